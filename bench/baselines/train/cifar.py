"""Reads the first samples of CIFAR-10's training set from its binary files."""

import numpy as np

record_bytes = 1 + 3 * 32 * 32


def read_training_set(data_dir, samples):
    """Images as float32 in [0, 1], shape (samples, 32, 32, 3), and labels as int32."""
    files = [f"{data_dir}/data_batch_{index}.bin" for index in range(1, 6)]
    records = np.concatenate([np.fromfile(file, np.uint8) for file in files]).reshape(-1, record_bytes)[:samples]
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).astype(np.float32) / 255
    return np.ascontiguousarray(images), records[:, 0].astype(np.int32)
