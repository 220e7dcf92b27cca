namespace Tupelo.Images.Tests;

/// <summary>A directory of a test's own, removed with everything in it.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    public TemporaryDirectory() => FullPath = Directory.CreateTempSubdirectory("tupelo-images-").FullName;

    public string FullPath { get; }

    public string this[string name] => Path.Combine(FullPath, name);

    public void Dispose()
    {
        // The framework's recursive delete is slow with 200,000 files and fails with names that are not UTF-8.
        using var remove = System.Diagnostics.Process.Start("rm", ["-rf", FullPath]);
        remove.WaitForExit();
    }
}
