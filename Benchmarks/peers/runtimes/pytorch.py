# SPDX-License-Identifier: Apache-2.0
"""PyTorch's Inductor, compiled ahead of time, with torchao's static quantization for x86 CPUs."""

import torch


def make(work, architecture, photos):
    import torch._inductor.config
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

    import torch_network

    quantizer = x86.X86InductorQuantizer()
    quantizer.set_global(x86.get_default_x86_inductor_quantization_config())
    # Packs the weights beforehand, without which there are no int8 convolutions; not with gradients.
    torch._inductor.config.freezing = True
    with torch.no_grad():
        for precision, network in torch_network.networks(work, architecture, photos, quantizer).items():
            torch._inductor.aoti_compile_and_package(network, package_path=str(work / f"{precision}.pt2"))


def load(model, threads, _):
    torch.set_num_threads(threads)
    run = torch._inductor.aoti_load_package(model)

    def infer(image):
        with torch.inference_mode():
            return run(torch.from_numpy(image))[0].numpy()

    return infer
