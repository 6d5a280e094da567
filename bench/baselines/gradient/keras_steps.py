"""Gradient steps of Keras on request: keras_steps.py THREADS

A step is a tf.function without jit_compile: forward in training mode, backward, and the gradient with respect to all
trainable weights as one float32 vector in host memory. Its inputs are float32 tensors created beforehand.
"""

import inspect
import os
import platform
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf

from request_loop import serve, time_calls
from topology import read_topology

threads = int(sys.argv[1])
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)
step = None


def hello():
    return {"Keras": keras.__version__, "TensorFlow of Keras": tf.__version__, "Python": platform.python_version()}


def prepare(topology, batch, classes, parameters, **_):
    global step
    keras.backend.clear_session()
    model = build(read_topology(topology))
    if model.count_params() != parameters:
        raise ValueError(f"{model.count_params()} parameters instead of {parameters}")
    random = np.random.default_rng(1)
    images = tf.constant(random.integers(0, 256, (batch, *model.input_shape[1:])), tf.float32)
    labels = tf.constant(np.arange(batch) % classes, tf.int32)
    variables = model.trainable_variables

    @tf.function(jit_compile=False)
    def gradient():
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        return loss, tf.concat([tf.reshape(each, [-1]) for each in gradients], 0)

    def step():
        loss, flat = gradient()
        return float(loss), flat.numpy()

    loss, flat = step()
    if not np.isfinite(loss):
        raise ValueError(f"the loss is {loss}")
    return {"gradientElements": flat.size}


def steps(count):
    return {"stepMs": time_calls(step, count)}


def build(topology):
    inputs = keras.Input(topology.input_shape)
    values = {topology.input_name: inputs}
    for layer in topology.layers:
        arguments = [values[name] for name in layer.inputs]
        values[layer.name] = make_layer(layer)(arguments if len(arguments) > 1 else arguments[0])
    return keras.Model(inputs, values[topology.layers[-1].name])


def make_layer(layer):
    """Makes the Keras layer of the same class. Initial values and penalties do not matter here."""
    kind = getattr(keras.layers, layer.kind)
    known = set(inspect.signature(kind.__init__).parameters)
    known -= {"dtype", "name", "seed", "kwargs"}
    unwanted = ("initializer", "regularizer", "constraint")
    options = {name: value for name, value in layer.config.items() if name in known and not name.endswith(unwanted)}
    return kind(**options)


serve({"hello": hello, "prepare": prepare, "steps": steps})
