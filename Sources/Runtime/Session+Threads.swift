// SPDX-License-Identifier: Apache-2.0

import CResNetThreads
import ResNetPlatform

extension Session {
  /// The number of threads for the fast cores that this process may use, 1…64.
  ///
  /// Fast is what has at least three quarters of the fastest core's capacity, or highest clock; of
  /// hardware threads of one core one counts. It is no more than a container's CPU limit.
  public static var defaultThreadCount: Int {
    min(Int(rn_fast_core_count(("" as StaticString).cString)), Int(RN_POOL_MAX_THREADS))
  }

  /// Calls `body` once on each thread of the session, with the context and the thread's place, 0 for the calling
  /// thread, and returns when the last has come back.
  ///
  /// - **Allocates:** nothing.
  package mutating func onEachThread(
    _ context: UnsafeMutableRawPointer,
    _ body: @convention(c) (UnsafeMutableRawPointer?, UInt32) -> Void
  ) {
    if let pool {
      rn_pool_run(pool, body, context)
    } else {
      body(context, 0)
    }
  }
}
