import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.Errors;

/** Prints the codes of Kafka's own table of errors that it calls retriable. */
public class Retriable {
    public static void main(String[] arguments) {
        for (Errors error : Errors.values()) {
            if (error.exception() instanceof RetriableException) {
                System.out.println(error.code());
            }
        }
    }
}
