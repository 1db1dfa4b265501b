"""Golden setup codes from an independent CBOR writer and an independent Ed25519.

Usage: python3 scripts/golden/setup-code.py > test/golden/setup-code.json   (needs cbor2 and cryptography)
"""

import base64
import hashlib
import json
import platform
from importlib.metadata import version

import cbor2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# RFC 8032, section 7.1, TEST 1.
SECRET = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SECRET))
spki = key.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
KEY_ID = hashlib.sha256(spki).digest()[:4]
ISSUED = 1769846400
NONCE = bytes(range(8))
TOKEN = bytes(range(16, 32))
PIN = bytes(range(32, 48))


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def code(fields):
    payload = cbor2.dumps(fields, canonical=True)
    signature = key.sign(b"lethe code v1\n" + payload)
    return payload.hex(), "LETHE1." + base64url(payload) + "." + base64url(signature)


def base(valid_s):
    return {1: KEY_ID, 2: ISSUED, 3: valid_s, 4: NONCE, 5: TOKEN, 11: PIN}


def payload(valid_s, **fields):
    return {
        "keyId": KEY_ID.hex(),
        "issuedAtS": ISSUED,
        "expiresAtS": ISSUED + valid_s,
        "nonce": NONCE.hex(),
        "token": TOKEN.hex(),
        "caPin": PIN.hex(),
        "mqttPort": 8883,
        "claimPort": 8885,
        **fields,
    }


CASES = [
    (
        "cable, any device of the site",
        {**base(900), 6: "shop", 8: "10.0.0.2"},
        payload(900, site="shop", host="10.0.0.2"),
    ),
    (
        "Wi-Fi with a passphrase",
        {**base(900), 6: "malmo-7", 7: "door1", 8: "gateway.malmo.example", 12: "Lager", 13: "correct horse battery", 16: "SE"},
        payload(
            900,
            site="malmo-7",
            device="door1",
            host="gateway.malmo.example",
            country="SE",
            wifi={"ssid": "Lager", "passphrase": "correct horse battery", "security": "wpa", "isHidden": False},
        ),
    ),
    (
        "hidden WPA3, other ports, a line with and one without its own bands",
        {
            **base(604800),
            6: "a",
            8: "g",
            9: 1884,
            10: 443,
            12: "Käse",
            13: "8 signs!",
            14: 1,
            15: True,
            17: ["in", bytes([0, 100, 200, 70, 0]), "out", bytes([20, 30, 40, 50, 3, 50, 30])],
        },
        payload(
            604800,
            site="a",
            host="g",
            mqttPort=1884,
            claimPort=443,
            wifi={"ssid": "Käse", "passphrase": "8 signs!", "security": "sae", "isHidden": True},
            lines=[
                {"name": "in", "from": [0, 0.5], "to": [1, 0.35], "in": "up"},
                {"name": "out", "from": [0.1, 0.15], "to": [0.2, 0.25], "in": "right", "hysteresis": 0.05, "min_path": 0.15},
            ],
        ),
    ),
    (
        "the key of WPA itself",
        {**base(60), 6: "b", 8: "h", 12: "w", 13: bytes(range(200, 232))},
        payload(
            60,
            site="b",
            host="h",
            wifi={"ssid": "w", "passphrase": bytes(range(200, 232)).hex(), "security": "wpa", "isHidden": False},
        ),
    ),
    (
        "open Wi-Fi",
        {**base(60), 6: "b", 8: "h", 12: "w", 14: 2},
        payload(60, site="b", host="h", wifi={"ssid": "w", "passphrase": "", "security": "open", "isHidden": False}),
    ),
]

vectors = []
for name, fields, meaning in CASES:
    payload_hex, text = code(fields)
    vectors.append({"name": name, "payload_hex": payload_hex, "code": text, "payload": meaning})

print(
    json.dumps(
        {
            "origin": "scripts/golden/setup-code.py; key of RFC 8032, section 7.1, TEST 1",
            "made_with": f"Python {platform.python_version()}, cbor2 {version('cbor2')}, cryptography {version('cryptography')}",
            "secret_hex": SECRET,
            "vectors": vectors,
        },
        indent=2,
        ensure_ascii=False,
    )
)
