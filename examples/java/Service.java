import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;

/** A JVM service as many are: it scans and wires its components at boot, on all cores it sees. */
public final class Service {
    public static void main(String[] args) throws Exception {
        var version = args.length > 0 ? args[0] : "?";
        System.out.printf("service %s on Java %s, %d processors%n", version,
                System.getProperty("java.version"), Runtime.getRuntime().availableProcessors());
        var rounds = Integer.parseInt(System.getenv().getOrDefault("COMPONENTS", "300"));
        Map<String, Object> components = new LinkedHashMap<>();
        for (int number = 0; number < rounds; number++) {
            // What annotation scanners do: patterns, reflection, strings.
            var pattern = Pattern.compile("component[-_ ]?(" + number + ")(\\w*)");
            for (var method : String.class.getMethods()) {
                var name = "component-" + number + method.getName();
                if (pattern.matcher(name).matches()) {
                    components.put(name, method);
                }
            }
        }
        System.out.printf("wired %d components%n", components.size());
        var server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.setExecutor(Executors.newFixedThreadPool(2));
        server.createContext("/orders", exchange -> {
            var body = ("{\"status\": \"ok\", \"components\": " + components.size() + "}")
                    .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            try (var out = exchange.getResponseBody()) {
                out.write(body);
            }
        });
        server.start();
        System.out.println("listening on port 8080");
    }
}
