"""
Makes test/golden/receipt.json: one signed receipt and the message that it covers, without any code of Lethe, as somebody
else would who wants to check receipts. Key: the secret of RFC 8032, section 7.1, TEST 1. Needs the package `cryptography`.

    python3 scripts/golden/receipt.py > test/golden/receipt.json
"""
import base64
import hashlib
import json
import platform

import cryptography
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PURPOSE = b"lethe receipt 1\n"
EPOCH = "5f0c9a4e-6d0b-4a53-9a3e-0a6f1b2c3d4e"


def canonical(value):
    """RFC 8785, for whole numbers, numbers such as 0.25 and 2.5, and ASCII names: what receipts and messages hold."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


message = {
    "v": 1, "seq": 7, "boot": 3, "epoch_id": EPOCH, "from": "2026-01-05T12:00:00.000Z",
    "to": "2026-01-05T12:01:00.000Z", "tz": "Europe/Stockholm", "open": True, "in": 4, "out": 2, "net_in": 3,
    "net_out": 1, "total_in": 1290, "total_out": 1271, "chains": 2, "groups_hour": 2.5, "samples": 900,
    "expected": 900, "quality": "ok", "historical": False,
}
covered = {name: value for name, value in message.items() if name not in ("historical", "tz")}

private = Ed25519PrivateKey.from_private_bytes(SECRET)
public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
unsigned = {
    "v": 1, "kind": "receipt", "site": "demo", "device": "door1", "epoch_id": EPOCH, "number": 4, "seq": 8, "boot": 3,
    "from": message["from"], "to": message["to"], "quality": "ok",
    "frames": {"read": 900, "erased": 900, "dropped": 1}, "longest_us": {"pixels": 412, "derived": 1301},
    "eye_starts": 0, "models": [sha256(b"a model")], "config_sha256": sha256(b"a configuration"), "version": "0.1.0",
    "covers": [{"seq": 7, "topic": "interval/door", "sha256": sha256(canonical(covered))}],
    "previous": sha256(b"the receipt before"), "public_key": base64.b64encode(public).decode(),
}
signed_bytes = PURPOSE + canonical(unsigned)
receipt = {**unsigned, "signature": base64.b64encode(private.sign(signed_bytes)).decode()}

print(json.dumps({
    "origin": "scripts/golden/receipt.py; key of RFC 8032, section 7.1, TEST 1",
    "made_with": f"Python {platform.python_version()}, cryptography {cryptography.__version__}",
    "secret_hex": SECRET.hex(),
    "message": message,
    "signed_bytes_sha256": sha256(signed_bytes),
    "receipt": receipt,
    "receipt_sha256": sha256(canonical(receipt)),
}, indent=2))
