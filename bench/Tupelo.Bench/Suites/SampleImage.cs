using System.Globalization;
using Tupelo;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Bench;

/// <summary>An image of many files with mode, owner and modification time, 1,000 to a directory, every name its own.</summary>
internal static class SampleImage
{
    /// <summary>Makes it, unless it is there from an earlier run.</summary>
    /// <param name="isSparse">The files have their places and lengths; nothing is written to them.</param>
    public static string Make(BenchOptions options, int fileCount, int fileBytes, bool isSparse = false)
    {
        string path = options.WorkFile(string.Create(CultureInfo.InvariantCulture, $"files-{fileCount}-{fileBytes}{(isSparse ? "-sparse" : "")}.img"));
        if (File.Exists(path))
        {
            return path;
        }
        string temporary = path + ".new";
        File.Delete(temporary);
        using (BlockDevice device = FileBlockDevice.Open(temporary, new FileBlockDeviceOptions { Creation = FileCreation.New }))
        using (var builder = new TfsImageBuilder(device, new TfsBuildOptions { FreeBytes = 64 << 20 }))
        {
            Fill(builder, fileCount, fileBytes, isSparse);
            _ = builder.Complete();
        }
        File.Move(temporary, path);
        return path;
    }

    private static void Fill(TfsImageBuilder builder, int fileCount, int fileBytes, bool isSparse)
    {
        const int PerDirectory = 1000;
        var runs = new List<DataRun>();
        byte[] content = new byte[fileBytes];
        new Random(1).NextBytes(content);
        uint directory = 0;
        for (int i = 0; i < fileCount; i++)
        {
            var time = new Timespec(1_700_000_000 + i, i % 1000 * 1_000_003);
            if (i % PerDirectory == 0)
            {
                directory = builder.AddDirectory(builder.RootDirectory, Name("dir", i / PerDirectory), new TfsEntryAttributes { Mode = 0x41ED, ModifyTime = time });
            }
            var attributes = new TfsEntryAttributes { Mode = 0x81A4, Uid = 1000, Gid = 1000, ModifyTime = time };
            _ = builder.AddFile(directory, Name("file", i), attributes, fileBytes, [new DataRange(0, fileBytes)], runs);
            foreach (DataRun run in isSparse ? [] : runs)
            {
                content.CopyTo(builder.Data.Room(run.VolumeOffsetBytes));
                builder.Data.Advance(fileBytes);
            }
        }
    }

    private static byte[] Name(string kind, int number) =>
        System.Text.Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{kind}-{number:D7}"));
}
