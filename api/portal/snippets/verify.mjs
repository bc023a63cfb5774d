// Verifies a webhook's signature. Node.js 18 or newer; no packages.
//
// Give `verify` the body as a Buffer, exactly as it came: before any JSON is read.
//
//     // Express
//     app.post("/webhooks", express.raw({ type: () => true }), (request, response) => {
//       if (!verify(SECRETS, request.headers, request.body)) return response.sendStatus(401);
//       ...
//       response.sendStatus(204);
//     });

import { createHash, createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE_SECONDS = 300;

/** Whether one of the `whsec_` secrets signed this request within the last five minutes.
 *  Two secrets are valid while one replaces the other: pass both.
 *  `headers` has lower-case names, as Node gives them. */
export function verify(secrets, headers, body, now = Date.now() / 1000) {
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!isRecent(timestamp, now)) return false;
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"] ?? ""}.${timestamp}.`), body]);
  const expected = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    return "v1," + createHmac("sha256", key).update(signed).digest("base64");
  });
  // The header may hold several signatures, with blanks between: one for each secret that is live.
  const received = (headers["webhook-signature"] ?? "").split(" ");
  return received.some((one) => expected.some((other) => isEqual(one, other)));
}

/** The same for a subscription that signs in the original platform's way. `host` is your host in lower case
 *  without a port, `path` the path of your URL without the query. */
export function verifyOriginal(secrets, headers, body, host, path, now = Date.now() / 1000) {
  const timestamp = headers["x-webhook-timestamp"] ?? "";
  if (!isRecent(timestamp, now)) return false;
  const lines = [
    "POST",
    `${host.length}:${host}`,
    `${path.length}:${path}`,
    createHash("sha256").update(body).digest("hex"),
    timestamp,
    headers["x-webhook-request-id"] ?? "",
  ].join("\n");
  return secrets.some((secret) => {
    // Here the text behind whsec_ is the key as it stands; it is not decoded.
    const expected = createHmac("sha256", secret.replace(/^whsec_/, "")).update(lines).digest("hex");
    return isEqual(headers["x-webhook-signature"] ?? "", expected);
  });
}

function isRecent(timestamp, now) {
  return /^[0-9]{1,11}$/.test(timestamp) && Math.abs(now - Number(timestamp)) <= TOLERANCE_SECONDS;
}

function isEqual(one, other) {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
