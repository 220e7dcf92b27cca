// The commands that look after volumes, run as a user runs them.
using System.Text.Json;

namespace Tupelo.Cli.Tests;

public sealed class VolumeToolTests(ImageFolder folder) : IClassFixture<ImageFolder>
{
    [Fact]
    public void Fsck_OfASoundImage_ExitsWithZero()
    {
        Invocation run = Invocation.Succeed("fsck", folder.Golden("11-mutated"));
        Assert.Contains(": clean", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Fsck_OfADamagedImage_ExitsWithOneAndRepairsItWhenAsked()
    {
        string image = Damaged("damaged-1.img");
        byte[] before = File.ReadAllBytes(image);
        Invocation check = Invocation.Run("fsck", image);
        Assert.Equal(1, check.ExitCode);
        Assert.Contains("[log-damaged]", check.Output, StringComparison.Ordinal);
        Assert.Contains("--repair", check.Output, StringComparison.Ordinal);
        Invocation dry = Invocation.Run("fsck", "--repair", "--dry-run", image);
        Assert.Equal(1, dry.ExitCode);
        Assert.Contains("would do: ", dry.Output, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(image));
        Invocation repair = Invocation.Run("fsck", "--repair", image);
        Assert.Equal(1, repair.ExitCode);
        Assert.Contains("repaired, and clean now", repair.Output, StringComparison.Ordinal);
        Assert.Contains(": clean", Invocation.Succeed("fsck", image).Output, StringComparison.Ordinal);
        Assert.Contains("hello.txt", Invocation.Succeed("ls", image).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Fsck_Json_TellsEachFinding()
    {
        Invocation run = Invocation.Run("fsck", "--json", Damaged("damaged-2.img"));
        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Error);
        JsonElement report = run.Json;
        Assert.False(report.GetProperty("clean").GetBoolean());
        JsonElement finding = report.GetProperty("findings").EnumerateArray().First();
        Assert.Equal("log-damaged", finding.GetProperty("code").GetString());
        Assert.Equal("error", finding.GetProperty("severity").GetString());
        Assert.True(finding.GetProperty("offset").GetInt64() > 0);
        JsonElement sectors = report.GetProperty("sectors");
        Assert.Equal(sectors.GetProperty("total").GetInt64(),
            sectors.GetProperty("log").GetInt64() + sectors.GetProperty("data").GetInt64() + sectors.GetProperty("headerCopy").GetInt64() + sectors.GetProperty("free").GetInt64());
    }

    [Fact]
    public void Fsck_OfWhatIsNoVolume_SaysSo()
    {
        Invocation run = Invocation.Run("fsck", folder.Write("text.img", new byte[4096]));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("NVMTFS", run.Output, StringComparison.Ordinal);
        Assert.Equal(2, Invocation.Run("fsck", "--dry-run", folder.Golden("02-one-file")).ExitCode);
        Assert.Equal(2, Invocation.Run("fsck", folder.Golden("02-one-file") + ":/hello.txt").ExitCode);
    }

    // The last record of the log begins with an unknown frame.
    private string Damaged(string name)
    {
        byte[] bytes = File.ReadAllBytes(folder.Golden("02-one-file"));
        Assert.Equal(2, bytes[0x26E]);
        bytes[0x26E] = 0x55;
        return folder.Write(name, bytes);
    }
}
