// SPDX-License-Identifier: Apache-2.0

import CKernels

extension Session {
  /// The number of threads that uses every CPU this process may run on, 1…64.
  public static var defaultThreadCount: Int {
    min(Int(rn_cpu_count()), Int(RN_POOL_MAX_THREADS))
  }
}
