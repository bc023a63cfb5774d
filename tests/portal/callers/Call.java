// Answers each case with true or false, one a line. A case is one line of blank-separated base64 texts: Java's
// library reads no JSON.
import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

public class Call {
    public static void main(String[] arguments) throws Exception {
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] parts = line.split(" ");
            List<String> secrets = List.of(text(parts[0]).split("\n"));
            Map<String, String> headers = new HashMap<>();
            for (String header : text(parts[1]).split("\n")) {
                String[] pair = header.split(": ", 2);
                headers.put(pair[0], pair[1]);
            }
            byte[] body = Base64.getDecoder().decode(parts[2]);
            Instant now = Instant.ofEpochSecond(Long.parseLong(text(parts[3])));
            System.out.println(parts.length == 4
                    ? WebhookVerifier.verify(secrets, headers, body, now)
                    : WebhookVerifier.verifyOriginal(secrets, headers, body, text(parts[4]), text(parts[5]), now));
        }
    }

    private static String text(String part) {
        return new String(Base64.getDecoder().decode(part), UTF_8);
    }
}
