# SPDX-License-Identifier: Apache-2.0
"""What can fail. The words are those of the library and the tools: what was expected, what was found."""


class ResNetError(Exception):
    """What all errors of this package are."""


class ArgumentError(ResNetError, ValueError):
    """An argument is wrong whatever the files and the machine."""


class FileError(ResNetError, OSError):
    """A plan cannot be read or written."""


class PlanError(ResNetError):
    """A plan is damaged or of another version, or no plan."""


class SessionError(ResNetError):
    """The session is impossible here: threads, CPUs, instruction set, memory limit, tuning."""


class ImageError(ResNetError):
    """An image is damaged, too large, or of a format that is not decoded."""


class ResourceError(ResNetError, MemoryError):
    """The system gave no memory or no threads."""


class BusyError(ResNetError, RuntimeError):
    """Another thread is using the session."""


class QuantizeError(ResNetError):
    """resnet-quantize failed, or is not there."""


class TeachError(ResNetError):
    """resnet-teach failed, or is not there."""


# By the numbers of resnet_status.
BY_STATUS: dict[int, type[ResNetError]] = {
    1: ArgumentError, 2: FileError, 3: PlanError, 4: SessionError, 5: ImageError, 6: ResourceError, 7: BusyError}
