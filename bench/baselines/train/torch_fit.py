"""PyTorch on the reference net: torch_fit.py DATA_DIR SAMPLES EPOCHS BATCH PRECISION PROCESSES THREADS

With more than one of PROCESSES it uses DistributedDataParallel over gloo; each process has its part of the global batch
and THREADS threads. After a warm-up as long as lockstep's, in steps, prints the images per second and the loss of each
epoch as JSON. An epoch of several processes lasts from when all are ready until the last one is done.
"""

import json
import sys
import time
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from cifar import read_training_set

warm_up_steps = 20


def main(data_dir, samples, epochs, batch, precision, processes, threads):
    counts = map(int, (samples, epochs, batch, processes, threads))
    settings = (data_dir, precision, *counts)
    if int(processes) == 1:
        train(0, None, *settings)
        return
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    torch.multiprocessing.spawn(train, (store.port, *settings), nprocs=int(processes))


def train(rank, port, data_dir, precision, samples, epochs, batch, processes, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    net = build_net().to(memory_format=torch.channels_last)
    if processes > 1:
        store = dist.TCPStore("127.0.0.1", port, is_master=False)
        dist.init_process_group("gloo", store=store, rank=rank, world_size=processes, timeout=timedelta(minutes=2))
        net = DistributedDataParallel(net, gradient_as_bucket_view=True, static_graph=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.001, eps=1e-7, fused=True)
    images, labels = map(torch.from_numpy, read_training_set(data_dir, samples))
    labels = labels.long()
    shard = batch // processes

    def shards(count):
        """The rank's shards of an epoch of `count` samples; all ranks draw the same order."""
        order = torch.randperm(samples)[:count]
        for start in range(rank * shard, count, batch):
            indices = order[start : start + shard]
            # NHWC in memory is channels_last, also with permuted dimensions.
            yield images[indices].permute(0, 3, 1, 2), labels[indices]

    def run_epoch(count):
        loss_sum, correct = torch.zeros(()), torch.zeros((), dtype=torch.long)
        for inputs, targets in shards(count):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
                logits = net(inputs)
                loss = cross_entropy(logits, targets)
            loss.backward()
            optimizer.step()
            loss_sum += len(targets) * loss.detach()
            correct += (logits.argmax(1) == targets).sum()
        totals = torch.stack([loss_sum, correct.float()])
        if processes > 1:
            dist.all_reduce(totals)
        return totals[0].item() / count

    run_epoch(warm_up_steps * batch)
    speeds, losses = [], []
    for _ in range(epochs):
        if processes > 1:
            dist.barrier()
        started = time.perf_counter()
        # The reduction of the loss at the end of the epoch waits for all ranks.
        losses.append(run_epoch(samples))
        speeds.append(samples / (time.perf_counter() - started))
    if rank == 0:
        print(json.dumps({"version": f"PyTorch {torch.__version__}", "speeds": speeds, "losses": losses}))
    if processes > 1:
        # Wait for all ranks: gloo ends a process whose peer closes its connections during an operation.
        dist.barrier()
        dist.destroy_process_group()


def build_net():
    net = nn.Sequential(
        *convolution(3, 32),
        *convolution(32, 64),
        *convolution(64, 128),
        nn.Flatten(),
        nn.Linear(512, 256),
        nn.ReLU(inplace=True),
        nn.Linear(256, 128),
        nn.ReLU(inplace=True),
        nn.Linear(128, 10),
    )
    assert sum(parameter.numel() for parameter in net.parameters()) == 258_762
    return net


def convolution(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2)


if __name__ == "__main__":
    main(*sys.argv[1:])
