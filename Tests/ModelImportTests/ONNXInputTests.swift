// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetModelImport
import SwiftProtobuf
import TestPlans
import Testing

/// What exporters and users put in front of a graph, behind it and beside it.
@Suite struct ONNXInputTests {
  private let checkpoint: Checkpoint
  private let network: Network

  init() throws {
    checkpoint = .example(
      try ResNetConfig(block: .basic, blockCounts: [1, 1], channels: [2, 3], outputDimension: 3))
    network = try Network(checkpoint)
  }

  private func model(_ style: ONNXStyle = ONNXStyle()) -> Onnx_ModelProto {
    ONNXBuilder.model(network, style)
  }

  /// The network of a model with one thing changed.
  private func read(
    _ style: ONNXStyle = ONNXStyle(), weights: String? = nil,
    _ change: (inout Onnx_ModelProto) -> Void
  ) throws(ImportError) -> Network {
    var model = model(style)
    change(&model)
    let bytes: [UInt8]
    do { bytes = try model.serializedBytes() } catch { preconditionFailure("\(error)") }
    return try loadNetwork(bytes, weights: weights)
  }

  private func error(
    _ style: ONNXStyle = ONNXStyle(), _ change: (inout Onnx_ModelProto) -> Void
  ) -> ImportError? {
    do { _ = try read(style, change) } catch { return error }
    return nil
  }

  private func expectSame(_ found: Network, _ what: String = "") throws {
    #expect(found.layers == network.layers, "\(what)")
    #expect(found.outputs == network.outputs, "\(what)")
  }

  /// Declares the input's dimensions; 0 for one that is not fixed.
  private func declare(_ dimensions: [Int64], type: Int32 = 1, in model: inout Onnx_ModelProto) {
    model.graph.input[0].type.tensorType = .with {
      $0.elemType = type
      $0.shape.dim = dimensions.map { size in .with { $0.dimValue = size } }
    }
  }

  private func node(
    _ operation: String, _ inputs: [String], _ output: String,
    _ attributes: [Onnx_AttributeProto] = []
  ) -> Onnx_NodeProto {
    .with {
      ($0.opType, $0.name, $0.input, $0.output) = (operation, output, inputs, [output])
      $0.attribute = attributes
    }
  }

  private func integers(_ name: String, _ values: [Int64]) -> Onnx_AttributeProto {
    attribute(name) { $0.ints = values }
  }

  private func floats(_ name: String, _ shape: [Int64], _ values: [Float]) -> Onnx_TensorProto {
    .with { ($0.name, $0.dataType, $0.dims, $0.floatData) = (name, 1, shape, values) }
  }

  private func places(_ name: String, _ shape: [Int64], _ values: [Int64]) -> Onnx_TensorProto {
    .with { ($0.name, $0.dataType, $0.dims, $0.int64Data) = (name, 7, shape, values) }
  }

  /// Puts nodes in front of the graph; the last one's output is what the first convolution reads.
  private func prepend(
    _ nodes: [Onnx_NodeProto], _ constants: [Onnx_TensorProto] = [],
    to model: inout Onnx_ModelProto
  ) {
    model.graph.node[0].input[0] = nodes.last!.output[0]
    model.graph.node.insert(contentsOf: nodes, at: 0)
    model.graph.initializer += constants
  }

  /// Puts a node behind the graph.
  private func append(_ operation: String, to model: inout Onnx_ModelProto) {
    let last = model.graph.output[0].name
    model.graph.node.append(node(operation, [last], "final"))
    model.graph.output[0].name = "final"
  }

  private func index(of operation: String, _ place: Int = 0, in model: Onnx_ModelProto) -> Int {
    model.graph.node.indices.filter { model.graph.node[$0].opType == operation }[place]
  }

  // MARK: - In front

  @Test func declaredSizeIsTaken() throws {
    let found = try read { declare([0, 3, 96, 96], in: &$0) }
    try expectSame(found)
    #expect(found.source.input.size == 96)
    #expect(found.source.input.mean == nil && !found.source.input.isGrey)
    #expect(try read { declare([0, 3, 0, 0], in: &$0) }.source.input.size == nil)
    #expect(try read { declare([1, 3, 128, 64], in: &$0) }.source.input.size == .init(128, 64))
    expectError(
      error { declare([1, 1, 64, 64], in: &$0) }, "unexpectedNode", "an input of 3 channels",
      "one of 1")
  }

  /// For values of 0…1 and of 0…255, in nodes of every kind; computed by hand.
  @Test func normalizationIsTaken() throws {
    let (mean, std): (SIMD3<Double>, SIMD3<Double>) = ([0.25, 0.5, 0.75], [0.125, 0.25, 0.5])
    func constants(_ values: [Float]) -> Onnx_TensorProto { floats("c", [1, 3, 1, 1], values) }
    let ways: [([Onnx_NodeProto], [Onnx_TensorProto])] = [
      (
        [node("Sub", ["image", "m"], "a"), node("Div", ["a", "s"], "b")],
        [
          floats("m", [3, 1, 1], [0.25, 0.5, 0.75]),
          floats("s", [1, 3, 1, 1], [0.125, 0.25, 0.5]),
        ]
      ),
      (
        [node("Mul", ["s", "image"], "a"), node("Add", ["a", "m"], "b")],
        [floats("s", [1, 3, 1, 1], [8, 4, 2]), floats("m", [1, 3, 1, 1], [-2, -2, -1.5])]
      ),
      (
        [
          node("Cast", ["image"], "x"), node("Div", ["x", "d"], "a"),
          node(
            "BatchNormalization", ["a", "g", "b0", "m", "v"], "b",
            [attribute("epsilon") { $0.f = 0 }]),
        ],
        [
          floats("d", [], [255]), floats("g", [3], [1, 1, 1]), floats("b0", [3], [0, 0, 0]),
          floats("m", [3], [0.25, 0.5, 0.75]), floats("v", [3], [0.015625, 0.0625, 0.25]),
        ]
      ),
    ]
    for (place, (nodes, constants)) in ways.enumerated() {
      let found = try read { prepend(nodes, constants, to: &$0) }
      try expectSame(found, "way \(place)")
      let input = found.source.input
      let near = { (a: SIMD3<Double>?, b: SIMD3<Double>) in
        a.map { ($0 - b).max() < 1e-6 && (b - $0).max() < 1e-6 } ?? false
      }
      #expect(near(input.mean, mean) && near(input.std, std), "way \(place): \(input)")
      #expect(input.channelOrder == nil)
    }
    // x / 127.5 - 1.
    let symmetric = try read {
      prepend(
        [node("Div", ["image", "d"], "a"), node("Sub", ["a", "o"], "b")],
        [floats("d", [1], [127.5]), floats("o", [1], [1])], to: &$0)
    }
    #expect(symmetric.source.input.mean == [0.5, 0.5, 0.5])
    #expect(symmetric.source.input.std == [0.5, 0.5, 0.5])
    // Caffe's: reversed channels minus a mean.
    let caffe = try read {
      prepend(
        [
          node("Gather", ["image", "p"], "a", [attribute("axis") { $0.i = 1 }]),
          node("Sub", ["a", "m"], "b"),
        ],
        [places("p", [3], [2, 1, 0]), floats("m", [3, 1, 1], [102, 114.75, 127.5])], to: &$0)
    }
    #expect(caffe.source.input.channelOrder == .bgr)
    let third = try #require(caffe.source.input.mean)
    #expect((third * 255).rounded(.toNearestOrEven) == [102, 115, 128])
    #expect(caffe.source.input.std == SIMD3(repeating: 1 / 255))
    // The same reordering where channels are moved to the first place for it.
    let swap = integers("perm", [1, 0, 2, 3])
    let swapped = try read {
      prepend(
        [
          node("Transpose", ["image"], "a", [swap]),
          node("Gather", ["a", "p"], "b", [attribute("axis") { $0.i = 0 }]),
          node("Transpose", ["b"], "c", [swap]),
        ], [places("p", [3], [2, 1, 0])], to: &$0)
    }
    #expect(swapped.source.input.channelOrder == .bgr && swapped.source.input.mean == nil)
    expectError(
      error { prepend([node("Transpose", ["image"], "a", [swap])], to: &$0) }, "unexpectedNode",
      "channels in the second place")
  }

  @Test func channelsLastAreTaken() throws {
    let found = try read {
      declare([1, 64, 64, 3], in: &$0)
      prepend(
        [
          node("Sub", ["image", "m"], "a"),
          node("Transpose", ["a"], "b", [integers("perm", [0, 3, 1, 2])]),
        ], [floats("m", [3], [0.25, 0.5, 0.75])], to: &$0)
    }
    try expectSame(found)
    #expect(found.source.input.mean == [0.25, 0.5, 0.75])
    #expect(found.source.input.size == 64)
  }

  @Test func otherPreparationsAreRefused() throws {
    let three = floats("c", [1, 3, 1, 1], [1, 2, 3])
    let wrong: [([Onnx_NodeProto], Onnx_TensorProto)] = [
      ([node("Div", ["c", "image"], "a")], three), ([node("Sub", ["c", "image"], "a")], three),
      ([node("Mul", ["image", "c"], "a")], floats("c", [1, 3, 1, 1], [1, -1, 1])),
      ([node("Mul", ["image", "c"], "a")], floats("c", [1, 3, 1, 1], [1, 0, 1])),
      ([node("Mul", ["image", "c"], "a")], floats("c", [1, 2, 1, 1], [1, 1])),
      ([node("Sub", ["image", "c"], "a")], floats("c", [3], [1, 1, 1])),
      ([node("Transpose", ["image"], "a", [integers("perm", [0, 2, 3, 1])])], three),
      (
        [node("Gather", ["image", "c"], "a", [attribute("axis") { $0.i = 1 }])],
        places("c", [3], [1, 0, 2])
      ),
      ([node("Add", ["image", "image"], "a")], three),
    ]
    for (place, (nodes, constant)) in wrong.enumerated() {
      #expect(
        error { prepend(nodes, [constant], to: &$0) }?.kind == "unexpectedNode", "\(place)")
    }
  }

  @Test func oneChannelBecomesThree() throws {
    let found = try read {
      let place = $0.graph.initializer.firstIndex { $0.dims == [2, 3, 7, 7] }!
      $0.graph.initializer[place].dims[1] = 1
      $0.graph.initializer[place].rawData = Data($0.graph.initializer[place].rawData.prefix(392))
    }
    let values = try #require(checkpoint.tensors["conv1.weight"]?.values)
    guard case .convolution(let stem) = found.layers[0].kind else { return }
    let thirds = (0..<2).flatMap { output in
      let own = values[output * 49..<(output + 1) * 49].map { Float(Double($0) / 3) }
      return own + own + own
    }
    #expect(stem.weights == thirds && stem.inputChannels == 3)
    #expect(found.source.input.isGrey)
  }

  // MARK: - Behind

  @Test func finalProbabilitiesAreLeftOut() throws {
    for operation in ["Softmax", "LogSoftmax"] {
      let found = try read { append(operation, to: &$0) }
      try expectSame(found)
      #expect(
        found.source.notes == ["left out the final \(operation): the plan's results are logits"])
    }
    expectError(
      error { append("Sigmoid", to: &$0) }, "unexpectedNode", "independent probabilities",
      "multi-label")
    // Nothing but an output may read probabilities.
    expectError(
      error {
        append("Softmax", to: &$0)
        $0.graph.node.append(node("Relu", ["final"], "more"))
        $0.graph.output[0].name = "more"
      }, "unexpectedNode", "(Relu)")
    let one = try ResNetConfig(
      block: .basic, blockCounts: [1], channels: [2], outputDimension: 1)
    var model = try ONNXBuilder.model(Network(.example(one)))
    append("Sigmoid", to: &model)
    #expect(try loadNetwork(model.serializedBytes()).config == one)
  }

  @Test func classifiersOutputIsTaken() throws {
    func addFeatures(_ model: inout Onnx_ModelProto) {
      let pool = model.graph.node[index(of: "Flatten", in: model)].output[0]
      // What leads to other outputs need not be known.
      model.graph.node.append(node("Exp", [pool], "other"))
      model.graph.output =
        ["other", pool].map { name in .with { $0.name = name } }
        + model.graph.output
    }
    let found = try read { addFeatures(&$0) }
    try expectSame(found)
    #expect(found.source.notes.count == 1)
    func addHead(_ model: inout Onnx_ModelProto) {
      var second = model.graph.node[index(of: "Gemm", in: model)]
      (second.name, second.output) = ("second", ["second"])
      model.graph.node.append(second)
      model.graph.output.append(.with { $0.name = "second" })
    }
    let name = model().graph.output[0].name
    #expect(error { addHead(&$0) } == .severalNetworks(names: [name, "second"]))
    try expectSame(try read(weights: name) { addHead(&$0) })
  }

  /// What has no classifier gives the graph's outputs by their names.
  @Test func otherOutputsAreTaken() throws {
    let found = try read {
      let pool = $0.graph.node[index(of: "GlobalAveragePool", in: $0)]
      let vector = $0.graph.node[index(of: "Flatten", in: $0)].output[0]
      $0.graph.node += [node("Identity", [vector], "pooled"), node("Exp", [vector], "other")]
      $0.graph.output = [pool.input[0], "pooled", "other"].map { name in .with { $0.name = name } }
    }
    #expect(found.outputs.map(\.role) == [.other, .features])
    #expect(found.outputs.last?.name == "pooled")
    #expect(found.layers.map(\.kind) == network.layers.dropLast().map(\.kind))
    #expect(found.source.notes == ["left out the output \"other\", which no layer makes"])
    expectError(
      error { $0.graph.output[0].name = "image" }, "malformed", "outputs that layers make")
    expectError(
      error {
        $0.graph.node.append(node("Exp", [$0.graph.output[0].name], "other"))
        $0.graph.output[0].name = "other"
      }, "unexpectedNode", "(Exp)")
    expectError(
      error { model in
        let pool = model.graph.node[index(of: "GlobalAveragePool", in: model)].output[0]
        model.graph.output = [pool, pool].map { name in .with { $0.name = name } }
      }, "malformed", "outputs of different names")
  }

  @Test func fixedBatchesAndChannelsLastAreRead() throws {
    let fixed = try read(ONNXStyle(flattening: .constantReshape)) {
      declare([8, 3, 64, 64], in: &$0)
      let shape = $0.graph.node[index(of: "Reshape", in: $0)].input[1]
      let place = $0.graph.initializer.firstIndex { $0.name == shape }!
      $0.graph.initializer[place].int64Data = [8, 3]
    }
    try expectSame(fixed)
    func chain(_ model: inout Onnx_ModelProto, _ indices: [Int64]) {
      declare([1, 3, 64, 64], in: &model)
      let place = index(of: "Flatten", in: model)
      let flatten = model.graph.node[place]
      model.graph.node.replaceSubrange(
        place...place,
        with: [
          node("Reshape", [flatten.input[0], "all"], "a"),
          node("Gather", ["a", "order"], "b", [attribute("axis") { $0.i = 0 }]),
          node("Reshape", ["b", "vector"], flatten.output[0]),
        ])
      model.graph.initializer += [
        places("all", [1], [-1]), places("order", [1, 3, 1, 1], indices),
        places("vector", [2], [1, 3]),
      ]
    }
    try expectSame(try read { chain(&$0, [0, 1, 2]) })
    for indices in [[0, 2, 1], [0, 0, 0]] as [[Int64]] {
      #expect(error { chain(&$0, indices) }?.kind == "unexpectedNode")
    }
  }

  @Test func averageOverTheWholeMapIsGlobal() throws {
    func pool(_ kernel: Int64) -> (inout Onnx_ModelProto) -> Void {
      { model in
        declare([1, 3, 64, 64], in: &model)
        let place = index(of: "GlobalAveragePool", in: model)
        model.graph.node[place].opType = "AveragePool"
        model.graph.node[place].attribute = [integers("kernel_shape", [kernel, kernel])]
      }
    }
    // The stem, the max pool and the second stage halve 64 each.
    try expectSame(try read { pool(8)(&$0) })
    // Windows of 7 leave 2 × 2 pixels of 3 channels.
    expectError(error { pool(7)(&$0) }, "unexpectedNode", "weights for 12 values")
  }

  @Test func convolutionsNeedBiasesOfTheirOwn() throws {
    func share(_ values: [Float]) -> (inout Onnx_ModelProto) -> Void {
      { model in
        for place in [0, 1] {
          let conv = index(of: "Conv", place, in: model)
          if model.graph.node[conv].input.count < 3 { model.graph.node[conv].input.append("") }
          model.graph.node[conv].input[2] = "shared"
        }
        model.graph.initializer.append(floats("shared", [2], values))
      }
    }
    expectError(
      error { share([0, 1])(&$0) }, "unexpectedNode", "a bias of its own", "2 convolutions share")
    #expect(error { share([0, 0])(&$0) } == nil)
  }

  @Test func quantizedModelsAreNamed() {
    for operation in ["QuantizeLinear", "DequantizeLinear", "QLinearConv", "ConvInteger"] {
      expectError(
        error { $0.graph.node[0].opType = operation }, "unsupportedFormat", operation,
        "give the float one")
    }
  }

  @Test func float64IsRoundedInEveryStorage() throws {
    for isRaw in [false, true] {
      let found = try read(ONNXStyle(storage: .fields)) {
        for place in $0.graph.initializer.indices where $0.graph.initializer[place].dataType == 1 {
          // Half of float32's last place more, which rounds to even or away; add much less than that.
          let values = $0.graph.initializer[place].floatData.map { Double($0) * (1 + 0x1p-30) }
          $0.graph.initializer[place].dataType = 11
          $0.graph.initializer[place].floatData = []
          if isRaw {
            $0.graph.initializer[place].rawData = Data(
              values.flatMap { littleEndian($0.bitPattern) })
          } else {
            $0.graph.initializer[place].doubleData = values
          }
        }
      }
      try expectSame(found)
    }
  }

  @Test func opsetsFrom7To28AreRead() throws {
    for opset in [7, 8, 28] as [Int64] {
      try expectSame(try read(ONNXStyle(opset: opset)) { _ in })
    }
  }

  // MARK: - Beside

  /// A folder with a model whose tensors are in `data`, as `torch.onnx.export` writes it.
  private func withExternalModel(
    _ location: String = "model.data", _ change: (inout Onnx_TensorProto) -> Void = { _ in },
    _ body: (_ folder: String, _ model: String, _ data: [UInt8]) throws -> Void
  ) throws {
    let folder = NSTemporaryDirectory() + "external-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: folder + "/model", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var model = model()
    var data: [UInt8] = []
    for place in model.graph.initializer.indices {
      var tensor = model.graph.initializer[place]
      let entries = [
        ("location", location), ("offset", "\(data.count)"), ("length", "\(tensor.rawData.count)"),
      ]
      tensor.externalData = entries.map { key, value in
        .with { ($0.key, $0.value) = (key, value) }
      }
      tensor.dataLocation = 1
      data += tensor.rawData
      tensor.rawData = Data()
      if place == 0 { change(&tensor) }
      model.graph.initializer[place] = tensor
    }
    let path = folder + "/model/model.onnx"
    try model.serializedData().write(to: URL(fileURLWithPath: path))
    try body(folder, path, data)
  }

  private func write(_ bytes: [UInt8], _ path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  private func errorReading(_ path: String) -> ImportError? {
    do { _ = try Network(contentsOf: path) } catch { return error }
    return nil
  }

  @Test func externalDataIsRead() throws {
    try withExternalModel { folder, path, data in
      expectError(errorReading(path), "unreadable", "model.data")
      try write(data, folder + "/model/model.data")
      try expectSame(Network(contentsOf: path))
      try write(data.dropLast(), folder + "/model/model.data")
      expectError(errorReading(path), "malformed", "external data", "found a file of")
      // A link to a file beside the one that the model is a link to, as download caches have them.
      let cache = folder + "/model"
      try FileManager.default.removeItem(atPath: cache + "/model.data")
      try write(data, cache + "/b")
      let links = folder + "/links"
      try FileManager.default.createDirectory(atPath: links, withIntermediateDirectories: false)
      for (link, file) in [("model.onnx", "model.onnx"), ("model.data", "b")] {
        try FileManager.default.createSymbolicLink(
          atPath: "\(links)/\(link)", withDestinationPath: "../model/\(file)")
      }
      try expectSame(Network(contentsOf: links + "/model.onnx"))
      // One that leads elsewhere.
      try write(data, folder + "/elsewhere")
      try FileManager.default.createSymbolicLink(
        atPath: cache + "/model.data", withDestinationPath: "../elsewhere")
      expectError(errorReading(path), "foreignData", "below the model's folder")
    }
  }

  @Test(arguments: [
    "../elsewhere", "/etc/passwd", "a/../../elsewhere", "", ".", "a//b", "./x", "a\u{0}b",
  ])
  func externalDataStayBesideTheModel(location: String) throws {
    try withExternalModel(location) { folder, path, data in
      try write(data, folder + "/elsewhere")
      try write(data, folder + "/model/x")
      #expect(errorReading(path)?.kind == "foreignData")
    }
  }

  @Test(arguments: [
    ("offset", "-1"), ("offset", "x"), ("offset", "\(Int.max)"), ("offset", "99999999999999999999"),
    ("length", "0"), ("length", "-8"), ("length", "\(Int.max)"),
  ])
  func externalRangesAreChecked(key: String, value: String) throws {
    let change = { (tensor: inout Onnx_TensorProto) in
      let place = tensor.externalData.firstIndex { $0.key == key }!
      tensor.externalData[place].value = value
    }
    try withExternalModel("model.data", change) { folder, path, data in
      try write(data, folder + "/model/model.data")
      #expect(["malformed", "byteCountMismatch"].contains(errorReading(path)?.kind ?? ""))
    }
  }

  /// A directory and a FIFO without a writer, which must not be waited for.
  @Test(.timeLimit(.minutes(1))) func externalDataAreRegularFiles() throws {
    try withExternalModel { folder, path, _ in
      let place = folder + "/model/model.data"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
      #expect(errorReading(path)?.kind == "unreadable")
      try FileManager.default.removeItem(atPath: place)
      try #require(mkfifo(place, 0o600) == 0)
      #expect(errorReading(path)?.kind == "unreadable")
    }
  }
}
