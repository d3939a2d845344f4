"""An EFKA drive, and a control that asks one, with pyserial: written by hand from the manual 402280 (7.5 to 7.9), sharing no code with
the project.

    efka-peer.py slave PORT ADR=PP:VALUE,PP:VALUE ...   answers; prints a JSON line for each telegram that came
    efka-peer.py master PORT ADR PP PP ...              asks each parameter once; prints a JSON line for each answer

PORT is a device or a pyserial URL such as socket://127.0.0.1:4001. Addresses are hex.
"""

import functools
import json
import operator
import sys

import serial

SOH, STX, ETX, ENQ, ACK, NAK = 0x01, 0x02, 0x03, 0x05, 0x06, 0x15


def bcc(data):
    return functools.reduce(operator.xor, data, 0)


def frame(address, text):
    covered = bytes([address, STX]) + text.encode("ascii") + bytes([ETX])
    return bytes([SOH]) + covered + bytes([bcc(covered)])


def say(**what):
    print(json.dumps(what), flush=True)


def open_port(name):
    port = serial.serial_for_url(name, baudrate=9600, bytesize=8, parity="N", stopbits=1, timeout=0.2)
    say(event="open")
    return port


def slave(name, drives):
    port = open_port(name)
    state = None
    address = 0
    text = bytearray()
    while True:
        data = port.read(1)
        if not data:
            continue
        byte = data[0]
        if byte == SOH and state != "bcc":
            state = "address"
        elif state == "address":
            address, state = byte, "stx"
        elif state == "stx":
            state, text = ("text", bytearray()) if byte == STX else (None, text)
        elif state == "text" and byte == ENQ:
            state = None
            parameter = text.decode("ascii")
            say(kind="ask", address=address, text=parameter)
            if address in drives:
                value = drives[address].get(parameter)
                answer = bytes([address, NAK]) if value is None else frame(address, f"{parameter}={value}")
                # In two pieces, as a slow line delivers.
                port.write(answer[:3])
                port.flush()
                port.write(answer[3:])
        elif state == "text" and byte == ETX:
            state = "bcc"
        elif state == "text":
            text.append(byte)
        elif state == "bcc":
            state = None
            say(kind="set", address=address, text=text.decode("latin1"))
            if address in drives:
                port.write(bytes([address, NAK]))


def master(name, address, parameters):
    port = open_port(name)
    port.timeout = 2
    for parameter in parameters:
        port.write(bytes([SOH, address, STX]) + parameter.encode("ascii") + bytes([ENQ]))
        head = port.read(2)
        if head == bytes([address, NAK]):
            say(parameter=parameter, refused=True)
            continue
        body = head[1:] + port.read_until(bytes([ETX]))
        check = port.read(1)
        right = head[:1] == bytes([SOH]) and body[:2] == bytes([address, STX]) and check == bytes([bcc(body)])
        say(parameter=parameter, right=right, text=body[2:-1].decode("latin1"))
    port.close()


if sys.argv[1] == "slave":
    table = {}
    for one in sys.argv[3:]:
        key, values = one.split("=")
        table[int(key, 16)] = dict(pair.split(":") for pair in values.split(","))
    slave(sys.argv[2], table)
else:
    master(sys.argv[2], int(sys.argv[3], 16), sys.argv[4:])
