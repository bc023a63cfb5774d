// Verifies a webhook's signature. Java 17 or newer; only the standard library.
//
// Give `verify` the body as bytes, exactly as it came: before any JSON is read.
//
//     // Spring
//     @PostMapping("/webhooks")
//     ResponseEntity<Void> webhook(@RequestHeader Map<String, String> headers, @RequestBody byte[] body) {
//         if (!WebhookVerifier.verify(SECRETS, headers, body, Instant.now())) {
//             return ResponseEntity.status(401).build();
//         }
//         ...
//         return ResponseEntity.noContent().build();
//     }

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class WebhookVerifier {
    private static final Duration TOLERANCE = Duration.ofMinutes(5);

    private WebhookVerifier() {}

    /**
     * Whether one of the whsec_ secrets signed this request within the last five minutes. Two secrets are valid
     * while one replaces the other: pass both.
     */
    public static boolean verify(List<String> secrets, Map<String, String> headers, byte[] body, Instant now) {
        Map<String, String> named = byName(headers);
        String timestamp = named.getOrDefault("webhook-timestamp", "");
        if (!isRecent(timestamp, now)) {
            return false;
        }
        ByteArrayOutputStream signed = new ByteArrayOutputStream();
        signed.writeBytes((named.getOrDefault("webhook-id", "") + "." + timestamp + ".").getBytes(UTF_8));
        signed.writeBytes(body);
        // The header may hold several signatures, with blanks between: one for each secret that is live.
        for (String received : named.getOrDefault("webhook-signature", "").split(" ")) {
            for (String secret : secrets) {
                byte[] key = Base64.getDecoder().decode(withoutPrefix(secret));
                String expected = "v1," + Base64.getEncoder().encodeToString(hmac(key, signed.toByteArray()));
                if (isEqual(received, expected)) {
                    return true;
                }
            }
        }
        return false;
    }

    /**
     * The same for a subscription that signs in the original platform's way. `host` is your host in lower case
     * without a port, `path` the path of your URL without the query.
     */
    public static boolean verifyOriginal(
            List<String> secrets, Map<String, String> headers, byte[] body, String host, String path, Instant now) {
        Map<String, String> named = byName(headers);
        String timestamp = named.getOrDefault("x-webhook-timestamp", "");
        if (!isRecent(timestamp, now)) {
            return false;
        }
        String lines = String.join("\n",
                "POST",
                host.length() + ":" + host,
                path.length() + ":" + path,
                HexFormat.of().formatHex(sha256(body)),
                timestamp,
                named.getOrDefault("x-webhook-request-id", ""));
        String received = named.getOrDefault("x-webhook-signature", "");
        // Here the text behind whsec_ is the key as it stands; it is not decoded.
        return secrets.stream()
                .map(secret -> hmac(withoutPrefix(secret).getBytes(UTF_8), lines.getBytes(UTF_8)))
                .anyMatch(expected -> isEqual(received, HexFormat.of().formatHex(expected)));
    }

    private static Map<String, String> byName(Map<String, String> headers) {
        Map<String, String> named = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        named.putAll(headers);
        return named;
    }

    private static boolean isRecent(String timestamp, Instant now) {
        if (!timestamp.matches("[0-9]{1,11}")) {
            return false;
        }
        Instant signedAt = Instant.ofEpochSecond(Long.parseLong(timestamp));
        return Duration.between(signedAt, now).abs().compareTo(TOLERANCE) <= 0;
    }

    private static boolean isEqual(String one, String other) {
        return MessageDigest.isEqual(one.getBytes(UTF_8), other.getBytes(UTF_8));
    }

    private static String withoutPrefix(String secret) {
        return secret.startsWith("whsec_") ? secret.substring("whsec_".length()) : secret;
    }

    private static byte[] hmac(byte[] key, byte[] signed) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(signed);
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static byte[] sha256(byte[] body) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(body);
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
