namespace Tupelo.Tests;

public sealed class TransactionTests
{
    [Fact]
    public void Committed_IsThere_TakenBack_IsNot()
    {
        using HostDirectory host = new();
        using (Volume volume = Volume.Create(host["v"]))
        {
            volume.WriteAllText("/before", "1");
            using (VolumeTransaction transaction = volume.Transaction())
            {
                for (int i = 0; i < 1_000; i++)
                {
                    transaction.WriteAllText($"/f{i}", $"content {i}");
                }
                transaction.Delete("/before");
                transaction.Commit();
                Assert.False(transaction.IsOpen);
            }
            Assert.Equal(1_000, volume.Enumerate("/").Count());
            using (VolumeTransaction transaction = volume.Transaction())
            {
                transaction.Delete("/f0");
                transaction.WriteAllText("/f1", "changed");
                transaction.CreateDirectory("/dir/below");
                Assert.False(volume.Exists("/f0")); // readers see it as it comes
            }
            Assert.Equal("content 0", volume.ReadAllText("/f0"));
            Assert.Equal("content 1", volume.ReadAllText("/f1"));
            Assert.False(volume.Exists("/dir"));
            Assert.Throws<ArithmeticException>(() => volume.Transaction(static transaction =>
            {
                transaction.WriteAllText("/never", "");
                throw new ArithmeticException();
            }));
            Assert.False(volume.Exists("/never"));
        }
        using Volume again = Volume.Open(host["v"]);
        Assert.Equal(1_000, again.Enumerate("/").Count());
    }

    [Fact]
    public void OtherWriters_Wait_AndTheSameThreadIsToldInsteadOfWaitingForItself()
    {
        using Volume volume = Volume.InMemory();
        using var began = new ManualResetEventSlim();
        VolumeTransaction transaction = volume.Transaction();
        Assert.Throws<InvalidOperationException>(() => volume.WriteAllText("/mine", ""));
        Assert.Throws<InvalidOperationException>(() => volume.Transaction());
        var other = new Thread(() =>
        {
            began.Set();
            volume.WriteAllText("/other", "after");
        });
        other.Start();
        began.Wait();
        Thread.Sleep(50);
        Assert.False(volume.Exists("/other"));
        transaction.WriteAllText("/inside", "first");
        transaction.Commit();
        transaction.Dispose();
        other.Join();
        Assert.Equal("after", volume.ReadAllText("/other"));
        Assert.Throws<ObjectDisposedException>(() => transaction.WriteAllText("/late", ""));
    }

    [Fact]
    public void DisposingTheVolume_TakesAnOpenTransactionBack()
    {
        using HostDirectory host = new();
        Volume volume = Volume.Create(host["v"]);
        volume.WriteAllText("/kept", "1");
        VolumeTransaction transaction = volume.Transaction();
        transaction.WriteAllText("/lost", "2");
        volume.Dispose();
        Assert.Throws<ObjectDisposedException>(() => transaction.Commit());
        transaction.Dispose();
        using Volume again = Volume.Open(host["v"]);
        Assert.Equal(["kept"], again.Enumerate("/").Select(static entry => entry.Name));
    }

    [Fact]
    public void FilesOpenedThroughATransaction_CloseWithIt()
    {
        using Volume volume = Volume.InMemory();
        VolumeFile file;
        using (VolumeTransaction transaction = volume.Transaction())
        {
            file = transaction.OpenFile("/f", FileMode.Create);
            file.Write(0, "x"u8);
            transaction.Commit();
        }
        Assert.True(file.IsDisposed);
        Assert.Equal("x", volume.ReadAllText("/f"));
    }
}
