"""Sends one command and shows what came of it: python send_command.py STORE EMAIL UNITS

LOYALTY_API_URL (http://127.0.0.1:8080) and LOYALTY_API_KEY are taken from the environment.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

store, email, units = sys.argv[1:]
address = os.environ.get("LOYALTY_API_URL", "http://127.0.0.1:8080")
# Drawn once and sent with every try, so that a command that was done is not done again.
# Units are text, so that they are exact.
command = {
    "type": "AddUnits",
    "command_id": str(uuid.uuid4()),
    "member": f"email={email}",
    "units": units,
    "comment": "welcome",
}
request = urllib.request.Request(
    f"{address}/api/{store}/command",
    json.dumps({"command": command}).encode(),
    {"Content-Type": "application/json", "X-AUTH-TOKEN": os.environ["LOYALTY_API_KEY"]},
)
for tries in range(1, 6):
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    if answer.status not in (429, 503) or tries == 5:
        break
    time.sleep(int(answer.headers.get("Retry-After", "1")))
# 200: accepted. 202: written, ask at its statusUrl. Anything else names the field and the reason.
print(answer.status, answer.read().decode())
sys.exit(0 if answer.status // 100 == 2 else 1)
