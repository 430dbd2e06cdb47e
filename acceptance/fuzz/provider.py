"""An identity provider for the fuzzer: serves its key set, prints its issuer and the token of one person.

Ends when its input does.
"""

import json
import sys
import threading
import time
from base64 import urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
public = key.public_key().public_numbers()


class Provider(BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"issuer": issuer, "jwks_uri": issuer + "/keys"}
        if self.path == "/keys":
            body = {"keys": [{"kty": "RSA", "kid": "1", "use": "sig", "n": number(public.n), "e": number(public.e)}]}
        answer = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
issuer = f"http://localhost:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
head = text(json.dumps({"alg": "RS256", "kid": "1"}).encode())
claims = {"iss": issuer, "sub": "fuzzer", "aud": "sandlot", "exp": int(time.time()) + 86_400}
signed = head + "." + text(json.dumps(claims).encode())
signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
print(issuer, signed + "." + text(signature), flush=True)
sys.stdin.read()
