// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetRuntime
import TestPlans
import Testing

/// Groups, dilation, gates, slopes, blurs and padding at single sides, in every format.
@Suite struct FamilyNetworkTests {
  @Test(arguments: [Network.Extent(32), .init(45, 70), .init(64, 33)])
  func everyFormatAgreesWithAPlainForwardPass(size: Network.Extent) throws {
    let network = familyNetwork()
    let image = testImage(size, seed: 1)
    let expected = try #require(
      PlainNetwork(network).outputs(image, height: size.height)["logits"])
    for (format, limit) in [(WeightFormat.float32, 1e-4), (.float16, 1e-2), (.int8, 0.1)] {
      let plan = LoadedPlan(try testPlan(of: network, inputSize: size, weights: format))
      let found = try infer(plan, image).floatLogits
      #expect(relativeDifference(found, expected) < limit, "\(format)")
    }
  }

  @Test(arguments: [Network.Extent(32), .init(45, 70)])
  func threadsAndInstructionSetsDoNotMatter(size: Network.Extent) throws {
    let image = testImage(size, seed: 2)
    let names = try Program(familyNetwork(), height: size.height, width: size.width).operations
      .filter { $0.multiplications > 0 }.map(\.name)
    // Every other layer in float32 or fp16: tensors of both kinds meet in every operation.
    func mixed(_ rest: Int) -> [String: WeightFormat] {
      let chosen = names.enumerated().filter { $0.offset % 2 == rest }
      return Dictionary(
        uniqueKeysWithValues: chosen.map { ($0.element, $0.offset % 4 < 2 ? .float16 : .float32) })
    }
    for (format, layers) in [
      (WeightFormat.int8, [:]), (.float32, [:]), (.float16, [:]), (.int8, mixed(0)),
      (.int8, mixed(1)),
    ] as [(WeightFormat, [String: WeightFormat])] {
      let file = try testPlan(
        of: familyNetwork(), inputSize: size, weights: format, layers: layers)
      let result = try expectOneAnswer(file, image, threads: [1, 3, 8], "\(format), \(layers)")
      #expect(Set(result.logits).count > 1)
    }
  }

  @Test func operationsAreFused() throws {
    let program = try Program(familyNetwork(), inputSize: 32)
    #expect(program.operations.count == 15)
    #expect(program.operations.map(\.output) == Array(0..<15))
    guard case .scale(let gated) = program.operations[8].kind,
      case .scale(let normed) = program.operations[9].kind
    else {
      Issue.record("expected scales")
      return
    }
    #expect(program.operations[8].gate == 7 && program.operations[8].residual == 2)
    #expect(program.operations[8].isRectified && gated.multiplier == nil && gated.slope == nil)
    #expect(normed.multiplier?.count == 32 && normed.slope?.count == 32)
    #expect(program.operations[9].gate == nil && !program.operations[9].isRectified)
    #expect(program.operations[5].isRectified && !program.operations[6].isRectified)
    let widths = [2, 3, 12].map { program.operations[$0].kind.layer?.groupWidth }
    #expect(widths == [4, nil, nil])
    #expect(program.operations[3].kind.layer?.dilation == 2)
  }

  @Test func whatNoKernelTakesIsRefusedByName() {
    func refusal(_ change: (inout Network) -> Void) -> String? {
      var network = familyNetwork()
      change(&network)
      do {
        _ = try Program(network, inputSize: 32)
        return nil
      } catch { return "\(error)" }
    }
    func convolution(_ set: (inout Network.Convolution) -> Void) -> String? {
      refusal { network in
        guard case .convolution(var layer) = network.layers[2].kind else { return }
        set(&layer)
        network.layers[2].kind = .convolution(layer)
      }
    }
    #expect(convolution { $0.stride = 3 }?.contains("layer \"layer 2\": expected a stride") == true)
    #expect(convolution { $0.dilation = 17 }?.contains("a dilation of 1 to 16") == true)
    #expect(convolution { $0.padding = 5 }?.contains("less padding") == true)
    #expect(
      refusal { $0.layers[12].kind = .clamp(lower: -1, upper: 1) }?.contains("from 0 on") == true)
    #expect(
      refusal {
        $0.layers[9].kind = .relu
        $0.layers[8].kind = .sigmoid
      }?
      .contains("expected") == true)
  }
}
