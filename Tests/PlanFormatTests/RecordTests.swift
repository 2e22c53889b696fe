// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import TestPlans
import Testing

/// Records come back from a file as they were written.
@Suite struct RecordTests {
  private let original: PlanFile

  init() throws { original = PlanFile(try TestNetwork.basic.plan(inputSize: 32)) }

  /// Replaces a record and calls `body` with a view of the file.
  private func rewrite<Record: PlanRecord>(
    _ section: PlanSection, _ index: Int, _ record: Record, _ body: (PlanView) -> Void
  ) throws {
    var file = original
    let place = index * Record.byteCount
    let zeros = [UInt8](repeating: 0, count: Record.byteCount)
    file[section].replaceSubrange(
      place..<min(place + zeros.count, file[section].count), with: zeros)
    file[section].withUnsafeMutableBytes { record.write(to: $0, at: place) }
    try withView(file.bytes, body)
  }

  private func withOriginal(_ body: (PlanView) -> Void) throws {
    try withView(original.bytes, body)
  }

  @Test func theFileIsWhatThePlannerWrote() throws {
    let bytes = try TestNetwork.basic.plan(inputSize: 32)
    #expect(PlanFile(bytes).bytes == bytes)
  }

  @Test func everyTensorRecordComesBack() throws {
    var records: [TensorRecord] = []
    try withOriginal { view in records = (0..<view.tensorCount).map { view.tensor($0) } }
    #expect(records.count == 11)
    for (index, record) in records.enumerated() {
      var changed = record
      changed.scale *= 3
      changed.name = 0
      changed.usedChannels = index < 9 ? 1 : record.usedChannels
      changed.borderPattern = record.format == .uint8 ? 0x0404_0404 : 0
      try rewrite(.tensors, index, changed) { #expect($0.tensor(index) == changed) }
    }
  }

  @Test func everyStepRecordComesBack() throws {
    var records: [StepRecord] = []
    try withOriginal { view in records = (0..<view.stepCount).map { view.step($0) } }
    #expect(records.count == 11)
    for (index, record) in records.enumerated() {
      var changed = record
      changed.multiplications = 1 << (30 + index)
      changed.name = 1
      changed.block = 2
      if case .convolution(var convolution) = record.operation {
        convolution.residualFactor = 0.75
        changed.operation = .convolution(convolution)
      }
      try rewrite(.steps, index, changed) { #expect($0.step(index) == changed) }
    }
  }

  @Test func theModelRecordComesBack() throws {
    var changed = ModelRecord()
    (changed.imageHeight, changed.imageWidth, changed.summary) = (32, 32, 6)
    try rewrite(.model, 0, changed) { #expect($0.model == changed) }
  }

  @Test func outputsComeBack() throws {
    try withOriginal { view in
      let outputs = (0..<view.outputCount).map(view.output)
      #expect(outputs.map(\.role) == [.features, .logits])
      #expect(outputs.map { String(cString: view.name($0.name)) } == ["features", "logits"])
      #expect(outputs.map(\.tensor) == [9, 10])
      #expect(view.featureCount == 16 && view.classCount == 10)
      #expect(String(cString: view.name(view.model.summary)) != "")
    }
    // Any tensor that lives to the end can be another output.
    let other = OutputRecord(role: .other, tensor: 9, name: 0)
    try rewrite(.outputs, 2, other) { #expect($0.output(2) == other) }
  }

  @Test func theRecipeRecordComesBack() throws {
    var changed = PreprocessingRecord(
      resize: 4096, crop: 32, mean: SIMD3(0.1, -0.2, 0.3), std: SIMD3(1, 2, 3))
    (changed.colors, changed.interpolation) = (.grey, .lanczos)
    (changed.fit, changed.centring) = (.squash, .down)
    try rewrite(.preprocessing, 0, changed) { #expect($0.preprocessing == changed) }
  }

  @Test func textsComeBack() throws {
    let names = ["cat", "", "a long name, with a comma", "čáp", "5", "6", "7", "8", "9", "10"]
    var file = PlanFile(
      try TestNetwork.basic.plan(inputSize: 32) {
        $0.classNames = names
        $0.provenance = "a: b\nc: d"
      })
    // The last byte of a file of names is the zero that ends the last.
    #expect(file[.classes].last == 0)
    try withView(file.bytes) { view in
      #expect(view.hasClassNames)
      for (index, name) in names.enumerated() {
        #expect(view.className(index).map { String(decoding: $0, as: UTF8.self) } == name)
      }
      #expect(String(cString: view.provenance) == "a: b\nc: d")
      #expect(String(cString: view.name(view.step(1).name)) == "conv1")
      #expect(String(cString: view.name(view.step(1).block)) == "stem")
    }
    try withOriginal { view in
      #expect(!view.hasClassNames)
      #expect(view.className(0) == nil)
    }
  }
}
