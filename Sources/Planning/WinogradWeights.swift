// SPDX-License-Identifier: Apache-2.0

/// Where an fp16 or float32 plan has the transformed weights of its Winograd convolutions.
public enum WinogradWeights: Sendable {
  /// In memory of the session, which transforms the plan's weights when it is made: the smallest file.
  case atLoad
  /// In the plan, instead of the weights that they are made of: a session starts sooner and needs somewhat
  /// less memory.
  case inPlan
  /// Nowhere: every convolution is direct.
  case off
}
