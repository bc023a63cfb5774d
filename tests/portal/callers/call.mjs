// Answers each case of the file with true or false, one a line.
import { readFileSync } from "node:fs";
const { verify, verifyOriginal } = await import(process.argv[2]);
for (const each of JSON.parse(readFileSync(process.argv[3], "utf8"))) {
  const body = Buffer.from(each.body, "base64");
  console.log(each.host === undefined
    ? verify(each.secrets, each.headers, body, each.now)
    : verifyOriginal(each.secrets, each.headers, body, each.host, each.path, each.now));
}
