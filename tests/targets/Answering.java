import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/**
 * A server on a JVM, with a thread for each connection. A line with a number is answered by the
 * number of primes below it; meanwhile memory is thrown away, so that the collector runs,
 * and two threads do nothing but compute. It prints its port when it is ready.
 */
class Answering {
    static volatile long sink;

    static int primesBelow(int limit) {
        boolean[] composite = new boolean[Math.max(limit, 2)];
        int found = 0;
        List<Integer> garbage = new ArrayList<>();
        for (int n = 2; n < limit; n++) {
            if (composite[n]) {
                continue;
            }
            found++;
            garbage.add(n);
            for (long m = (long) n * n; m < limit; m += n) {
                composite[(int) m] = true;
            }
        }
        return garbage.size() == found ? found : -1;
    }

    static void serve(Socket socket) {
        try (socket;
                BufferedReader in =
                        new BufferedReader(new InputStreamReader(socket.getInputStream()));
                PrintWriter out = new PrintWriter(socket.getOutputStream(), true)) {
            for (String line; (line = in.readLine()) != null; ) {
                out.println(primesBelow(Integer.parseInt(line)));
            }
        } catch (Exception error) {
            System.out.println("error " + error);
        }
    }

    static void compute() {
        double x = 1;
        while (true) {
            for (int i = 1; i < 1000000; i++) {
                x = Math.sqrt(x * i) + 1;
            }
            if (Double.isNaN(x) || x < 1) {
                System.out.println("error computed " + x);
            }
            sink += (long) x;
            try {
                Thread.sleep(1);
            } catch (InterruptedException error) {
                System.out.println("error " + error);
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        for (int number = 0; number < 2; number++) {
            Thread thread = new Thread(Answering::compute);
            thread.setDaemon(true);
            thread.start();
        }
        System.out.println(server.getLocalPort());
        while (true) {
            Socket socket = server.accept();
            new Thread(() -> serve(socket)).start();
        }
    }
}
