"""Reads the topology of a tfjs LayersModel, so that a baseline is the same net by construction."""

from typing import NamedTuple


class Layer(NamedTuple):
    name: str
    kind: str
    config: dict
    inputs: list[str]


class Topology(NamedTuple):
    input_name: str
    input_shape: tuple[int, ...]
    # Every layer comes after its inputs. The last one computes logits: its softmax is left out.
    layers: list[Layer]


def read_topology(topology):
    read = read_sequential if topology["class_name"] == "Sequential" else read_functional
    input_name, input_shape, layers = read(topology["config"])
    *body, last = layers
    if last.config.get("activation") != "softmax" and last.kind != "Softmax":
        raise ValueError(f"the net does not end in a softmax but in {last.kind} {last.name}")
    logits = [last._replace(config={**last.config, "activation": "linear"})] if last.kind == "Dense" else []
    return Topology(input_name, tuple(input_shape[1:]), body + logits)


def read_sequential(config):
    entries = [entry for entry in config["layers"] if entry["class_name"] != "InputLayer"]
    names = ["input", *(entry["config"]["name"] for entry in entries)]
    layers = [
        Layer(names[index + 1], entry["class_name"], entry["config"], [names[index]])
        for index, entry in enumerate(entries)
    ]
    return "input", config["layers"][0]["config"]["batch_input_shape"], layers


def read_functional(config):
    [(input_name, *_)] = config["input_layers"]
    entries = {entry["name"]: entry for entry in config["layers"]}
    input_shape = entries.pop(input_name)["config"]["batch_input_shape"]
    layers = []
    ready = {input_name}
    while entries:
        for name, entry in entries.items():
            inputs = [inbound[0] for inbound in entry["inbound_nodes"][0]]
            if ready.issuperset(inputs):
                break
        else:
            raise ValueError(f"no order of the layers {', '.join(entries)}")
        layers.append(Layer(name, entry["class_name"], entry["config"], inputs))
        ready.add(name)
        del entries[name]
    [(output_name, *_)] = config["output_layers"]
    # Move the output layer to the end, wherever the file has it.
    layers.sort(key=lambda layer: layer.name == output_name)
    return input_name, input_shape, layers
