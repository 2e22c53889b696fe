// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanning
import ResNetQuantization
import TestPlans
import Testing

@Suite struct FloatWeightsTests {
  @Test(arguments: TestNetwork.all)
  func operationsComeBackAsTheyWere(network: TestNetwork) throws {
    let fused = Program(try network.graph(), inputSize: 64)
    let model = FloatModel(fused, mean: .zero, std: .one)
    for (index, operation) in fused.operations.enumerated() {
      #expect(model.operation(index) == operation, "\(operation.name)")
      switch model.graph.operations[index].kind {
      case .stem(let convolution), .convolution(let convolution):
        #expect(convolution.weights.isEmpty)
      case .linear(let linear): #expect(linear.weights.isEmpty)
      case .input, .averagePool: break
      }
    }
    #expect(model.graph.tensors == fused.tensors)
    #expect(model.graph.lifetimes == fused.lifetimes)
  }
}
