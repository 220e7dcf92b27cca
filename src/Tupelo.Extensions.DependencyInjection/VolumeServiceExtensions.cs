using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

// The namespace in which every program that has services looks for extension methods.
namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds volumes to a program's services: one for the program's life, closed cleanly with its service provider.</summary>
public static class VolumeServiceExtensions
{
    /// <summary>Adds the volume in a file of the host, which is made when it is missing, as <see cref="Tupelo.Volume"/> and
    /// <see cref="Tupelo.FileTree"/>.</summary>
    /// <param name="services">The program's services.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">How to open it; the program's logger is added if none is given.</param>
    /// <param name="key">For more than one volume: the service's key.</param>
    public static IServiceCollection AddTupeloVolume(this IServiceCollection services, string path, Tupelo.VolumeOptions? options = null, object? key = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return services.AddTupeloVolume(provider => Tupelo.Volume.OpenOrCreate(path, WithLogger(options, provider)), key);
    }

    /// <summary>Adds a volume in memory.</summary>
    /// <inheritdoc cref="AddTupeloVolume(IServiceCollection, string, Tupelo.VolumeOptions?, object?)"/>
    public static IServiceCollection AddTupeloVolumeInMemory(this IServiceCollection services, Tupelo.VolumeOptions? options = null, object? key = null) =>
        services.AddTupeloVolume(provider => Tupelo.Volume.InMemory(WithLogger(options, provider)), key);

    /// <summary>Adds a volume that <paramref name="open"/> makes when it is first asked for.</summary>
    /// <inheritdoc cref="AddTupeloVolume(IServiceCollection, string, Tupelo.VolumeOptions?, object?)"/>
    public static IServiceCollection AddTupeloVolume(this IServiceCollection services, Func<IServiceProvider, Tupelo.Volume> open, object? key = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(open);
        if (key is null)
        {
            services.TryAddSingleton(open);
            services.TryAddSingleton<Tupelo.FileTree>(static provider => provider.GetRequiredService<Tupelo.Volume>());
            return services;
        }
        services.TryAddKeyedSingleton(key, (provider, _) => open(provider));
        services.TryAddKeyedSingleton<Tupelo.FileTree>(key, static (provider, same) => provider.GetRequiredKeyedService<Tupelo.Volume>(same));
        return services;
    }

    private static Tupelo.VolumeOptions WithLogger(Tupelo.VolumeOptions? options, IServiceProvider provider)
    {
        options ??= new Tupelo.VolumeOptions();
        bool hasLogger = options.Logger is not Microsoft.Extensions.Logging.Abstractions.NullLogger;
        return hasLogger || provider.GetService<ILoggerFactory>() is not { } factory ? options : options with { Logger = factory.CreateLogger("Tupelo.Volume") };
    }
}
