"""A network that only delays, for kernels without `tc netem`: delay_packets.py MILLISECONDS NAMESPACE=ADDRESS...

Gives each network namespace an interface `delay0` (TUN) and forwards IPv4 packets between them after the delay.
Prints a line once the interfaces exist; ends when standard input does. Needs root.
"""

import ctypes
import fcntl
import os
import select
import socket
import struct
import sys
import time
from collections import deque

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
LONGEST_PACKET = 65535
PACKETS_A_TURN = 64
libc = ctypes.CDLL(None, use_errno=True)


def main(delay, places):
    ports = {socket.inet_aton(address): open_port(namespace) for namespace, address in places}
    print("ready", flush=True)
    forward(delay, ports)


def open_port(namespace):
    """Opens a TUN device, which belongs to the network namespace in which it is created."""
    with open(f"/run/netns/{namespace}") as place:
        if libc.setns(place.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter the network namespace {namespace}")
    port = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(port, TUNSETIFF, struct.pack("16sH22x", b"delay0", IFF_TUN | IFF_NO_PI))
    return port


def forward(delay, ports):
    """All packets have the same delay, so the waiting ones are in the order in which they are due."""
    waiting = deque()
    end = sys.stdin.fileno()
    while True:
        timeout = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([end, *ports.values()], [], [], timeout)
        if end in readable:
            return
        for port in readable:
            waiting.extend((time.monotonic() + delay, packet) for packet in packets_of(port))
        while waiting and waiting[0][0] <= time.monotonic():
            _, packet = waiting.popleft()
            destination = ports.get(packet[16:20])
            if destination is not None:
                os.write(destination, packet)


def packets_of(port):
    """Reads a limited number of packets, so that other ports do not wait long."""
    for _ in range(PACKETS_A_TURN):
        try:
            packet = os.read(port, LONGEST_PACKET)
        except BlockingIOError:
            return
        if packet[0] >> 4 == 4:
            yield packet


main(float(sys.argv[1]) / 1000, [place.split("=") for place in sys.argv[2:]])
