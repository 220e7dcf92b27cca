namespace Tupelo.Block.Tests;

/// <summary>A directory of its own for one test, removed at the end. On a disk where there is one: /tmp is often memory, which has no
/// direct I/O before Linux 6.6.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    public string Root { get; } = Directory.CreateDirectory(
        Path.Combine(Directory.Exists("/var/tmp") ? "/var/tmp" : Path.GetTempPath(), $"tupelo-block-{Guid.NewGuid():n}")).FullName;

    public string this[string name] => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
