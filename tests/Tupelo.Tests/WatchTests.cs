namespace Tupelo.Tests;

public sealed class WatchTests
{
    [Fact]
    public async Task Changes_AreToldInOrder()
    {
        using Volume volume = Volume.InMemory();
        volume.CreateDirectory("/in/deep");
        using FileWatch watch = volume.Watch("/in", recursive: true);
        volume.WriteAllText("/in/deep/a", "1");
        volume.Move("/in/deep/a", "/in/b");
        volume.CreateDirectory("/in/new");
        await Until(watch, new FileChange(FileChangeKind.Created, "/in/deep/a"));
        await Until(watch, new FileChange(FileChangeKind.Renamed, "/in/b", "/in/deep/a"));
        await Until(watch, new FileChange(FileChangeKind.Created, "/in/new", null, IsDirectory: true));
        volume.Move("/in/new", "/in/other");
        await Until(watch, new FileChange(FileChangeKind.Renamed, "/in/other", "/in/new", IsDirectory: true));
        volume.WriteAllText("/in/other/file", "x");
        await Until(watch, new FileChange(FileChangeKind.Created, "/in/other/file"));
        volume.SetMode("/in/b", UnixFileMode.UserRead);
        await Until(watch, new FileChange(FileChangeKind.AttributesChanged, "/in/b"));
        volume.Move("/in/b", "/out");
        await Until(watch, new FileChange(FileChangeKind.Deleted, "/in/b"));
        volume.Delete("/in/deep");
        await Until(watch, new FileChange(FileChangeKind.Deleted, "/in/deep", null, IsDirectory: true));
    }

    [Fact]
    public async Task WhoReadsTooSlowly_IsTold_AndNobodyWaitsForHim()
    {
        using Volume volume = Volume.InMemory();
        using FileWatch watch = volume.Watch(capacity: 8);
        for (int i = 0; i < 1_000; i++)
        {
            volume.WriteAllText($"/f{i}", "");
        }
        for (int i = 0; i < 8; i++)
        {
            await Next(watch);
        }
        volume.WriteAllText("/more", "");
        FileChange change;
        do
        {
            change = await Next(watch);
        }
        while (change.Kind != FileChangeKind.Overflow);
    }

    [Fact]
    public async Task Enumeration_EndsWithTheVolume()
    {
        Volume volume = Volume.InMemory();
        FileWatch watch = volume.Watch();
        Task<int> counting = Task.Run(async () =>
        {
            int count = 0;
            await foreach (FileChange change in watch)
            {
                count++;
            }
            return count;
        });
        volume.WriteAllText("/a", "");
        await Task.Delay(100);
        volume.Dispose();
        Assert.True(await counting >= 1);
        Assert.Throws<ObjectDisposedException>(() => volume.Watch());
        using Volume other = Volume.InMemory();
        Assert.ThrowsAny<DirectoryNotFoundException>(() => other.Watch("/none"));
    }

    private static async Task Until(FileWatch watch, FileChange wanted)
    {
        FileChange change;
        do
        {
            change = await Next(watch);
        }
        while (change != wanted);
    }

    private static async Task<FileChange> Next(FileWatch watch)
    {
        for (int i = 0; i < 1_000; i++)
        {
            if (watch.TryRead(out FileChange change))
            {
                return change;
            }
            await Task.Delay(10);
        }
        throw new TimeoutException("nothing was told for ten seconds");
    }
}
