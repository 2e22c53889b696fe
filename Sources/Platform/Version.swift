// SPDX-License-Identifier: Apache-2.0

/// The version of the package and its tools (https://semver.org).
public let packageVersion: StaticString = "0.1.0"
