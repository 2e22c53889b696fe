// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import TestPlans
import Testing

@Suite struct FloatModelTests {
  @Test(arguments: TestNetwork.all)
  func operationsComeBackAsTheyWere(network: TestNetwork) throws {
    let fused = try network.program(inputSize: 64)
    let model = fused.model
    for (index, operation) in fused.operations.enumerated() {
      #expect(model.operation(index) == operation, "\(operation.name)")
      switch model.program.operations[index].kind {
      case .stem(let convolution), .convolution(let convolution):
        #expect(convolution.weights.isEmpty)
      case .linear(let linear): #expect(linear.weights.isEmpty)
      case .input, .maxPool, .averagePool, .blurPool, .globalAverage, .sigmoid, .scale: break
      }
    }
    #expect(model.program.tensors == fused.tensors)
    #expect(model.program.lifetimes == fused.lifetimes)
  }
}
