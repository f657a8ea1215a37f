"""What the servers of the tests have in common; imported, never run."""
import socket
import socketserver
import threading


def address(text):
    """ADDRESS:PORT, as a socket takes it."""
    host, port = text.rsplit(":", 1)
    return host, int(port)


def pass_on(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def join(client, upstream):
    """Passes bytes both ways, until the upstream has no more."""
    forth = threading.Thread(target=pass_on, args=(client, upstream), daemon=True)
    forth.start()
    pass_on(upstream, client)
    forth.join(5)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
