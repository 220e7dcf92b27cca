global using Tupelo.Block;
global using Tupelo.Vfs;
