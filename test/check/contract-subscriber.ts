/** The Python subscriber that `docs/CONTRACT.md` shows. The integration test takes it out of the document and runs it. */
export const subscriberSource = `
import json, sys
import paho.mqtt.client as mqtt
import zstandard

def on_connect(client, userdata, flags, code):
    client.subscribe("selvedge/v1/+/+/up", qos=1)

def on_message(client, userdata, message):
    header, _, packed = message.payload.partition(b"\\n")
    batch = json.loads(zstandard.ZstdDecompressor().decompress(packed, max_output_size=1 << 20))
    for record in batch["records"]:
        print(json.dumps({"gateway": batch["gateway"], "boot": batch["boot"], **record}), flush=True)

host, port, user, password_file = sys.argv[1:]
client = mqtt.Client()
client.username_pw_set(user, open(password_file).read().strip())
client.on_connect, client.on_message = on_connect, on_message
client.connect(host, int(port))
client.loop_forever()
`;
