"""What the runtime raises when a service cannot be had or its configuration is wrong."""


class ServiceError(Exception):
    """A service that was asked for cannot be had; the message names it, what was tried and the mend."""


class ConfigError(ServiceError):
    """A setting is wrong; the message names the file, the key and the mend."""


class FaultError(Exception):
    """A fault that this service, or the server that it is, cannot be made to have; the message says what can."""
