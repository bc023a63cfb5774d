// Sends one command and shows what came of it: java SendCommand.java STORE EMAIL UNITS
// LOYALTY_API_URL (http://127.0.0.1:8080) and LOYALTY_API_KEY are taken from the environment. Java 11 or newer.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.UUID;

public class SendCommand {
    public static void main(String[] arguments) throws Exception {
        String address = System.getenv().getOrDefault("LOYALTY_API_URL", "http://127.0.0.1:8080");
        // Drawn once and sent with every try, so that a command that was done is not done again. Units are text: exact.
        String body = String.format(
            "{\"command\": {\"type\": \"AddUnits\", \"command_id\": \"%s\", \"member\": \"%s\", \"units\": \"%s\", "
                + "\"comment\": \"welcome\"}}",
            UUID.randomUUID(), escaped("email=" + arguments[1]), escaped(arguments[2]));
        HttpRequest request = HttpRequest.newBuilder(URI.create(address + "/api/" + arguments[0] + "/command"))
            .timeout(Duration.ofSeconds(30))
            .header("Content-Type", "application/json")
            .header("X-AUTH-TOKEN", System.getenv("LOYALTY_API_KEY"))
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        HttpClient client = HttpClient.newHttpClient();
        for (int tries = 1; ; tries++) {
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            int status = answer.statusCode();
            if ((status == 429 || status == 503) && tries < 5) {
                Thread.sleep(1000 * answer.headers().firstValueAsLong("Retry-After").orElse(1));
                continue;
            }
            // 200: accepted. 202: written, ask at its statusUrl. Anything else names the field and the reason.
            System.out.println(status + " " + answer.body());
            System.exit(status / 100 == 2 ? 0 : 1);
        }
    }

    private static String escaped(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"");
    }
}
