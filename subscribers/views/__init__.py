"""What a reader does. GET and HEAD never change anything: scanners and prefetchers open every link."""
