# SPDX-License-Identifier: Apache-2.0
"""LiteRT, quantized by AI Edge Quantizer: int8 weights per channel and int8 activations.

The .tflite is written here, as the converters of PyTorch models write it: NHWC, batch norm folded,
ReLU fused, and a PAD wherever "SAME" would pad another side than PyTorch.
"""

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import resnet


def make(work, architecture, photos):
    from ai_edge_quantizer import algorithm_manager, qtyping, quantizer, recipe

    emit = _Emitter(resnet.read_safetensors(work / "weights.safetensors"))
    resnet.walk(architecture, emit, emit.tensor("image", (1, 224, 224, 3)))
    (work / "float32.tflite").write_bytes(emit.model())
    tool = quantizer.Quantizer(str(work / "float32.tflite"), recipe.static_wi8_ai8())
    # Images and logits stay float32, as the others have them.
    for edge in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
        tool.update_quantization_recipe(
            ".*", edge, algorithm_key=algorithm_manager.AlgorithmName.NO_QUANTIZE)
    ranges = tool.calibrate({"serving_default": [{"image": prepare(photo)} for photo in photos]})
    tool.quantize(ranges).export_model(str(work / "int8.tflite"))


def load(model, threads, _):
    interpreter = Interpreter(model, num_threads=threads)
    run = interpreter.get_signature_runner("serving_default")
    return lambda image: run(image=image)["logits"][0]


def prepare(image):
    return np.ascontiguousarray(image.transpose(0, 2, 3, 1))


class _Emitter:
    def __init__(self, weights):
        from ai_edge_litert import schema_py_generated as schema

        self.schema, self.weights = schema, weights
        self.buffers, self.codes, self.tensors, self.operators = [schema.BufferT()], [], [], []

    def tensor(self, name, shape, data=None):
        tensor = self.schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name, list(shape), 0
        tensor.type = self.schema.TensorType.FLOAT32
        if data is not None:
            if data.dtype == np.int32:
                tensor.type = self.schema.TensorType.INT32
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def constant(self, name, data, kind=np.float32):
        data = np.asarray(data, kind)
        return self.tensor(name, data.shape, data)

    def shape(self, index):
        return self.tensors[index].shape

    def operator(self, kind, inputs, name, shape, version=1, **options):
        """Adds one of the BuiltinOperators, whose options are called PoolOptions and so on."""
        code = getattr(self.schema.BuiltinOperator, kind)
        if code not in self.codes:
            self.codes.append(code)
        operator = self.schema.OperatorT()
        operator.opcodeIndex = self.codes.index(code)
        operator.inputs = inputs
        operator.outputs = [self.tensor(name, shape)]
        table = {"CONV_2D": "Conv2D", "PAD": "Pad", "MAX_POOL_2D": "Pool2D", "ADD": "Add",
                 "MEAN": "Reducer", "FULLY_CONNECTED": "FullyConnected"}[kind] + "Options"
        operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, table)
        operator.builtinOptions = getattr(self.schema, f"{table}T")()
        for key, value in options.items():
            setattr(operator.builtinOptions, key, value)
        self.operators.append(operator)
        return operator.outputs[0]

    def window(self, x, name, size, stride):
        """The input, padded where needed, the options of a window's operator and the output's side."""
        _, side, _, channels = self.shape(x)
        output = (side - 1) // stride + 1
        same = stride == 1
        if not same:
            border = size // 2
            if border:
                paddings = self.constant(
                    f"{name}.paddings", [[0, 0], [border] * 2, [border] * 2, [0, 0]], np.int32)
                side += 2 * border
                x = self.operator("PAD", [x, paddings], f"{name}.padded", (1, side, side, channels))
        return x, output, {
            "strideW": stride, "strideH": stride,
            "padding": self.schema.Padding.SAME if same else self.schema.Padding.VALID}

    def activation(self, relu):
        kinds = self.schema.ActivationFunctionType
        return {"fusedActivationFunction": kinds.RELU if relu else kinds.NONE}

    def convolution(self, x, name, norm, size, stride, relu, out, _):
        # The groups are known by the weight, which has only as many input channels as one of them.
        weight, bias = resnet.folded(self.weights, name, norm)
        x, side, options = self.window(x, name, size, stride)
        inputs = [x, self.constant(f"{name}.weight", weight.transpose(0, 2, 3, 1)),
                  self.constant(f"{name}.bias", bias)]
        return self.operator("CONV_2D", inputs, name, (1, side, side, out), dilationWFactor=1,
                             dilationHFactor=1, **options, **self.activation(relu))

    def max_pool(self, x):
        # After a ReLU zeros are as good a border as any.
        x, side, options = self.window(x, "pool", 3, 2)
        return self.operator("MAX_POOL_2D", [x], "pool", (1, side, side, self.shape(x)[3]),
                             filterWidth=3, filterHeight=3, **options, **self.activation(False))

    def add_relu(self, x, shortcut):
        name = f"sum{len(self.operators)}"
        return self.operator("ADD", [x, shortcut], name, self.shape(x), **self.activation(True))

    def head(self, x):
        axes = self.constant("axes", [1, 2], np.int32)
        x = self.operator("MEAN", [x, axes], "mean", (1, self.shape(x)[3]), keepDims=False)
        inputs = [x, self.constant("fc.weight", self.weights["fc.weight"]),
                  self.constant("fc.bias", self.weights["fc.bias"])]
        self.operator("FULLY_CONNECTED", inputs, "logits", (1, len(self.weights["fc.bias"])),
                      **self.activation(False))

    def model(self):
        """The file's bytes, with image as the input and the last operator's output."""
        import flatbuffers

        def made(kind, **fields):
            table = getattr(self.schema, f"{kind}T")()
            for key, value in fields.items():
                setattr(table, key, value)
            return table

        last = self.operators[-1].outputs
        graph = made("SubGraph", name="main", tensors=self.tensors, operators=self.operators,
                     inputs=[0], outputs=last)
        signature = made("SignatureDef", signatureKey="serving_default", subgraphIndex=0,
                         inputs=[made("TensorMap", name="image", tensorIndex=0)],
                         outputs=[made("TensorMap", name="logits", tensorIndex=last[0])])
        codes = [made("OperatorCode", builtinCode=code, deprecatedBuiltinCode=code, version=1)
                 for code in self.codes]
        model = made("Model", version=3, description="peers", operatorCodes=codes, subgraphs=[graph],
                     buffers=self.buffers, signatureDefs=[signature])
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
