// SPDX-License-Identifier: Apache-2.0

import Testing

/// What starts the tools of the board, one test after another: each tool takes all CPUs, and some are
/// killed or looked at while they run.
///
/// `make test` runs all of this twice: with the tools of this machine, then with their Embedded builds.
@Suite(.serialized) enum BoardTools {
  struct AccuracyTests {}
  struct BenchTests {}
  struct BoardMemoryTests {}
  struct CameraTests {}
  struct ChangedPlanTests {}
  struct ClassifyTests {}
  struct OutputFileTests {}
  @Suite(.boardTools) struct EmulatedBoardTests {}
  struct EvaluateTests {}
  struct FrameStreamTests {}
  @Suite(.sharedData) struct GoldenTests {}
  struct InputTests {}
  struct LimitTests {}
  struct OutputTests {}
  struct PlanErrorTests {}
  struct SameAnswerTests {}
  struct TeachTests {}
  struct TextTests {}
  struct TuningTests {}
  struct UsageTests {}
}
