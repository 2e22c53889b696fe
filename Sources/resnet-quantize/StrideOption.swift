// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ResNetModelGraph

/// Where the bottlenecks of a state dictionary have their stride.
enum StrideOption: String, ExpressibleByArgument, CaseIterable {
  case first
  case second = "3x3"

  var value: ResNetConfig.BottleneckStride { self == .first ? .first : .second }
}
