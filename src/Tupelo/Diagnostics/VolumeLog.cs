using Microsoft.Extensions.Logging;

namespace Tupelo;

/// <summary>What a volume tells its logger.</summary>
internal static partial class VolumeLog
{
    [LoggerMessage(1, LogLevel.Information, "Volume {Name} is open, {SizeBytes} bytes long.")]
    public static partial void Opened(ILogger logger, string name, long sizeBytes);

    [LoggerMessage(2, LogLevel.Warning, "Volume {Name} is damaged: {What}.")]
    public static partial void Damaged(ILogger logger, string name, string what);

    [LoggerMessage(3, LogLevel.Information, "Volume {Name} has grown to {SizeBytes} bytes.")]
    public static partial void Grown(ILogger logger, string name, long sizeBytes);

    [LoggerMessage(4, LogLevel.Warning, "Volume {Name} could not grow to {SizeBytes} bytes: {Why}.")]
    public static partial void NotGrown(ILogger logger, string name, long sizeBytes, Errno why);
}
