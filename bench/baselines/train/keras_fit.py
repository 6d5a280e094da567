"""Keras's fit on the reference net: keras_fit.py DATA_DIR SAMPLES EPOCHS BATCH PRECISION THREADS STEPS_PER_EXECUTION

PRECISION is float32 or bfloat16 (mixed_bfloat16). After a warm-up as long as lockstep's, in steps, prints the images
per second and the loss of each epoch as JSON.
"""

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import tensorflow as tf

from cifar import read_training_set

layers = keras.layers
warm_up_steps = 20


class Speed(keras.callbacks.Callback):
    def __init__(self, samples):
        super().__init__()
        self.samples = samples
        self.speeds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.speeds.append(self.samples / (time.perf_counter() - self.started))


def main(data_dir, samples, epochs, batch, precision, threads, steps_per_execution):
    samples, epochs, batch, threads = map(int, (samples, epochs, batch, threads))
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.utils.set_random_seed(1)
    if precision == "bfloat16":
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    images, labels = read_training_set(data_dir, samples)
    model = build_model()
    model.compile(
        keras.optimizers.Adam(0.001),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
        steps_per_execution=int(steps_per_execution),
    )
    warm_up = warm_up_steps * batch
    model.fit(images[:warm_up], labels[:warm_up], batch_size=batch, verbose=0)
    speed = Speed(samples)
    history = model.fit(images, labels, batch_size=batch, epochs=epochs, verbose=0, callbacks=[speed]).history
    print(json.dumps({"version": f"Keras {keras.__version__}", "speeds": speed.speeds, "losses": history["loss"]}))


def build_model():
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            *convolution(32),
            *convolution(64),
            *convolution(128),
            layers.Flatten(),
            layers.Dense(256, activation="relu"),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax", dtype="float32"),
        ]
    )
    assert model.count_params() == 258_762
    return model


def convolution(filters):
    return layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D()


main(*sys.argv[1:])
