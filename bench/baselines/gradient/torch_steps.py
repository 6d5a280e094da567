"""Gradient steps of PyTorch on request: torch_steps.py THREADS PRECISION LAYOUT

PRECISION is float32 or bfloat16 (autocast), LAYOUT channels_last or default. A step is forward in training mode,
backward, and the gradient with respect to all trainable weights as one float32 vector in host memory, run op by op (no
torch.compile). Its inputs are float32 tensors created beforehand.
"""

import platform
import sys

import torch

from request_loop import serve, time_calls
from topology import read_topology
from torch_net import Net

threads, precision, layout = int(sys.argv[1]), sys.argv[2], sys.argv[3]
memory_format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
torch.set_num_threads(threads)
torch.set_num_interop_threads(threads)
step = None


def hello():
    return {"PyTorch": torch.__version__, "Python of PyTorch": platform.python_version()}


def prepare(topology, batch, classes, parameters, **_):
    global step
    torch.manual_seed(1)
    topology = read_topology(topology)
    net = Net(topology).to(memory_format=memory_format).train()
    total = count_parameters(net)
    if total != parameters:
        raise ValueError(f"{total} parameters instead of {parameters}")
    height, width, channels = topology.input_shape
    images = torch.randint(0, 256, (batch, channels, height, width)).float().to(memory_format=memory_format)
    labels = torch.arange(batch) % classes

    def step():
        net.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            loss = torch.nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        flat = torch.cat([in_memory_order(parameter.grad) for parameter in net.parameters()])
        return float(loss), flat.numpy()

    loss, flat = step()
    if loss != loss:
        raise ValueError("the loss is not a number")
    return {"gradientElements": flat.size}


def steps(count):
    return {"stepMs": time_calls(step, count)}


def count_parameters(net):
    statistics = [buffer for name, buffer in net.named_buffers() if not name.endswith("num_batches_tracked")]
    return sum(tensor.numel() for tensor in [*net.parameters(), *statistics])


def in_memory_order(gradient):
    """Flattens a gradient without moving elements; their order within a filter does not matter here."""
    last = layout == "channels_last" and gradient.dim() == 4
    return (gradient.permute(0, 2, 3, 1) if last else gradient).reshape(-1)


serve({"hello": hello, "prepare": prepare, "steps": steps})
