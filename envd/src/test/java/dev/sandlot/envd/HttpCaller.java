package dev.sandlot.envd;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.ExchangeHandler;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Carries exchanges to a server by HTTP/1.1, a connection for each, bodies as they come in both directions. An exchange
 * that is cut on one side is cut on the other.
 */
record HttpCaller(InetSocketAddress server) implements ExchangeHandler {
    @Override
    public void handle(Exchange exchange) throws IOException {
        try (Socket socket = new Socket(server.getAddress(), server.getPort())) {
            exchange.onFailure(() -> cut(socket));
            FutureTask<Void> sending = new FutureTask<>(() -> {
                send(exchange, socket);
                return null;
            });
            Thread.startVirtualThread(sending);
            try {
                receive(exchange, new BufferedInputStream(socket.getInputStream()));
            } catch (IOException e) {
                exchange.abort();
                throw causeOf(sending, e);
            }
        }
    }

    /** A body that could not be read is why the answer did not come. */
    private static IOException causeOf(FutureTask<Void> sending, IOException failure) {
        try {
            if (sending.isDone()) {
                sending.get();
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException io) {
                io.addSuppressed(failure);
                return io;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return failure;
    }

    private static void cut(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void send(Exchange exchange, Socket socket) throws IOException {
        String query = exchange.rawQuery().isEmpty() ? "" : "?" + exchange.rawQuery();
        StringBuilder head = new StringBuilder(exchange.method() + " " + exchange.rawPath() + query + " HTTP/1.1\r\n");
        exchange.requestHeaders()
                .forEach((name, value) ->
                        head.append(name).append(": ").append(value).append("\r\n"));
        boolean chunked = exchange.requestLength() < 0;
        head.append("Host: guest\r\nConnection: close\r\n")
                .append(chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + exchange.requestLength())
                .append("\r\n\r\n");
        OutputStream out = socket.getOutputStream();
        out.write(head.toString().getBytes(StandardCharsets.UTF_8));
        try {
            sendBody(exchange.requestBody(), out, chunked);
        } catch (IOException e) {
            cut(socket);
            throw e;
        }
    }

    private static void sendBody(InputStream body, OutputStream out, boolean chunked) throws IOException {
        byte[] buffer = new byte[8192];
        for (int count = body.read(buffer); count >= 0; count = body.read(buffer)) {
            if (chunked) {
                out.write((Integer.toHexString(count) + "\r\n").getBytes(StandardCharsets.US_ASCII));
            }
            out.write(buffer, 0, count);
            if (chunked) {
                out.write('\r');
                out.write('\n');
            }
        }
        if (chunked) {
            out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        }
    }

    private static void receive(Exchange exchange, InputStream in) throws IOException {
        int status = Integer.parseInt(line(in).split(" ", 3)[1]);
        long length = -1;
        boolean chunked = false;
        for (String field = line(in); !field.isEmpty(); field = line(in)) {
            String name = field.substring(0, field.indexOf(':'));
            String value = field.substring(name.length() + 1).strip();
            switch (name.toLowerCase(Locale.ROOT)) {
                case "content-length" -> length = Long.parseLong(value);
                case "transfer-encoding" -> chunked = true;
                case "connection", "date" -> {}
                default -> exchange.responseHeaders().add(name, value);
            }
        }
        boolean empty = exchange.method().equals("HEAD") || status == 204 || status == 304;
        OutputStream out = exchange.start(status, empty ? 0 : length);
        if (!empty && chunked) {
            receiveChunks(in, out);
        } else if (!empty) {
            receiveBytes(in, out, length);
        }
        out.close();
    }

    private static void receiveChunks(InputStream in, OutputStream out) throws IOException {
        for (long size = chunkSize(in); size > 0; size = chunkSize(in)) {
            receiveBytes(in, out, size);
            if (!line(in).isEmpty()) {
                throw new IOException("a chunk has no end");
            }
        }
        if (!line(in).isEmpty()) {
            throw new IOException("there are trailers");
        }
    }

    private static long chunkSize(InputStream in) throws IOException {
        return Long.parseLong(line(in), 16);
    }

    private static void receiveBytes(InputStream in, OutputStream out, long length) throws IOException {
        byte[] buffer = new byte[8192];
        for (long left = length; left != 0; ) {
            int count = in.read(buffer, 0, left < 0 ? buffer.length : (int) Math.min(left, buffer.length));
            if (count < 0 && left < 0) {
                return;
            }
            if (count < 0) {
                throw new EOFException("the server cut its answer");
            }
            out.write(buffer, 0, count);
            out.flush();
            left -= left < 0 ? 0 : count;
        }
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                throw new EOFException("the server cut the connection");
            }
            line.append((char) next);
        }
        return line.toString().stripTrailing();
    }
}
