// Sends one command and shows what came of it: node send_command.mjs STORE EMAIL UNITS
// LOYALTY_API_URL (http://127.0.0.1:8080) and LOYALTY_API_KEY are taken from the environment. Node 18 or newer.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const [store, email, units] = process.argv.slice(2);
const url = `${process.env.LOYALTY_API_URL ?? "http://127.0.0.1:8080"}/api/${store}/command`;
const headers = { "Content-Type": "application/json", "X-AUTH-TOKEN": process.env.LOYALTY_API_KEY };
// Drawn once and sent with every try, so that a command that was done is not done again. Units are text: exact.
const command = { type: "AddUnits", command_id: randomUUID(), member: `email=${email}`, units, comment: "welcome" };

for (let tries = 1; ; tries++) {
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ command }) });
  const text = await answer.text();
  if ((answer.status === 429 || answer.status === 503) && tries < 5) {
    await sleep(1000 * Number(answer.headers.get("Retry-After") ?? 1));
    continue;
  }
  // 200: accepted. 202: written, ask at its statusUrl. Anything else names the field and the reason.
  console.log(answer.status, text);
  process.exit(answer.ok ? 0 : 1);
}
