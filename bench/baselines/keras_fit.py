"""Keras's fit on the reference net: keras_fit.py DATA_DIR SAMPLES EPOCHS THREADS

Prints the images per second of each epoch but the first, as JSON.
"""

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

data_dir, samples, epochs, threads = sys.argv[1], *map(int, sys.argv[2:])
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)

files = [f"{data_dir}/cifar-10-batches-bin/data_batch_{index}.bin" for index in range(1, 6)]
records = np.concatenate([np.fromfile(file, np.uint8) for file in files]).reshape(-1, 3073)[:samples]
labels = records[:, 0].astype(np.int32)
images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).astype(np.float32) / 255

layers = tf.keras.layers
model = tf.keras.Sequential(
    [
        tf.keras.Input((32, 32, 3)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(128, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(tf.keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy", metrics=["accuracy"])


class Speed(tf.keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.speeds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.speeds.append(len(images) / (time.perf_counter() - self.started))


speed = Speed()
model.fit(images, labels, batch_size=50, epochs=epochs, verbose=0, callbacks=[speed])
print(json.dumps(speed.speeds[1:]))
