# SPDX-License-Identifier: Apache-2.0
"""ExecuTorch with the XNNPACK backend and its quantizer: static, symmetric, weights per channel."""

import torch
from executorch.extension.pybindings import portable_lib


def make(work, architecture, photos):
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer, get_symmetric_quantization_config)
    from executorch.exir import to_edge_transform_and_lower

    import torch_network

    quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    for precision, network in torch_network.networks(work, architecture, photos, quantizer).items():
        lowered = to_edge_transform_and_lower(network, partitioner=[XnnpackPartitioner()])
        (work / f"{precision}.pte").write_bytes(lowered.to_executorch().buffer)


def load(model, threads, _):
    portable_lib._unsafe_reset_threadpool(threads)
    module = portable_lib._load_for_executorch(model)
    return lambda image: module.forward([torch.from_numpy(image)])[0][0].numpy()
