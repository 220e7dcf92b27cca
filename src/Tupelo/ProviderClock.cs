using Tupelo.Vfs;

namespace Tupelo;

/// <summary>File times from a <see cref="TimeProvider"/>. Any thread.</summary>
internal sealed class ProviderClock(TimeProvider provider) : VfsClock
{
    /// <inheritdoc/>
    public override Timespec Now => Timespec.FromDateTimeOffset(provider.GetUtcNow());

    /// <summary>The clock for a provider: the machine's own is cheaper without it.</summary>
    public static VfsClock For(TimeProvider provider) => provider == TimeProvider.System ? VfsClock.System : new ProviderClock(provider);
}
