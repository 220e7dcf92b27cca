using System.CommandLine;
using Tupelo.Cli;

RootCommand root = new("Tupelo makes, reads and inspects images of TFS, the file system of the Nanos unikernel.") { MkfsCommand.Create() };
return root.Parse(args).Invoke();
