// SPDX-License-Identifier: Apache-2.0

import Testing

/// What starts only `resnet-quantize`, one test after another: each tool takes all CPUs.
@Suite(.serialized) enum QuantizeTools {
  struct CalibrationPhotoTests {}
  struct FastTests {}
  struct HalfPrecisionTests {}
  struct ImportTests {}
  struct LimitTests {}
  struct MaxDropTests {}
  struct PreprocessingTests {}
  struct QuantizeTests {}
  struct ReportTests {}
  struct WholeFileTests {}
}
